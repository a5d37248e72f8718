// Talks to a hub with OpenAI's own client and prints what it understood, as one JSON object.
import OpenAI from "openai";

const [address, key, model] = process.argv.slice(2);
const client = new OpenAI({ baseURL: address, apiKey: key, maxRetries: 0 });
const messages = [{ role: "user", content: "Hi" }];
const found = {};

const models = [];
for await (const one of client.models.list()) models.push(one.id);
found.models = models;

const whole = await client.chat.completions.create({ model, messages });
found.whole = whole.choices[0].message.content;
found.usage = whole.usage.total_tokens;

found.streamed = "";
const stream = await client.chat.completions.create({ model, messages, stream: true, stream_options: { include_usage: true } });
for await (const chunk of stream) {
  found.streamed += chunk.choices[0]?.delta?.content ?? "";
  found.finish = chunk.choices[0]?.finish_reason ?? found.finish;
}

const tools = [{ type: "function", function: { name: "look", parameters: { type: "object", properties: {} } } }];
const asked = await client.chat.completions.create({ model, messages: [{ role: "user", content: "call" }], tools });
found.call = asked.choices[0].message.tool_calls[0].function.name;

const schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const json = await client.chat.completions.create({
  model,
  messages: [{ role: "user", content: "json" }],
  response_format: { type: "json_schema", json_schema: { name: "city", schema } },
});
found.city = JSON.parse(json.choices[0].message.content).city;

try {
  await client.chat.completions.create({ model: "nobody", messages });
} catch (error) {
  found.error = { status: error.status, code: error.code, type: error.type, param: error.param, kind: error.constructor.name };
}
console.log(JSON.stringify(found));
