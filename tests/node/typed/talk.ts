// What somebody writes with the client: every field is checked against the document when this is compiled.
import createClient from "openapi-fetch";
import type { components, paths } from "./hub.js";

declare const process: { argv: string[] };
const [address, key] = process.argv.slice(2) as [string, string];
const hub = createClient<paths>({ baseUrl: address, headers: { Authorization: `Bearer ${key}` } });

const made = await hub.POST("/api/v1/ai-gateways", {
  body: { name: "Typed", parameters: { baseAddress: "@integrated", modelName: "@hub/extractive" } },
});
if (!made.data) throw Error(JSON.stringify(made.error));
const place = await hub.POST("/api/v1/web-chat-client", { body: { name: "Typed place", aiGatewayId: made.data.aiGatewayId } });
if (!place.data) throw Error(JSON.stringify(place.error));
const opened = await hub.POST("/api/v1/web-chat-client/{id}/sessions", {
  params: { path: { id: place.data.id } }, body: {},
});
if (!opened.data) throw Error(JSON.stringify(opened.error));
const desk: components["schemas"]["Desk"] | undefined = (await hub.GET("/api/v1/inbox/settings")).data;
// @ts-expect-error A field that is not there is found out before anything runs.
desk?.targetMinuets;
const nobody = await hub.GET("/api/v1/ai-gateways/{id}", { params: { path: { id: "00000000-0000-0000-0000-000000000000" } } });
console.log(JSON.stringify({
  talk: opened.data.talkUrl, target: desk?.targetMinutes, status: nobody.response.status, code: nobody.error?.code,
}));
