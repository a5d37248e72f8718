// Clients of Node.js, each unchanged: `node check.mjs BASE KEY MODEL`. Prints what each was answered, or how it failed.
import { generateText, streamText, tool, stepCountIs, generateObject } from 'ai';
import { createOpenAI } from '@ai-sdk/openai';
import { createAnthropic } from '@ai-sdk/anthropic';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { z } from 'zod';

const [base, key, model] = process.argv.slice(2);
const v1 = `${base}/v1`;
const weather = tool({
  description: 'The weather.',
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => `Sunny in ${city}.`,
});

async function aiSdk(asked) {
  const given = { model: asked, maxRetries: 0 };
  const whole = await generateText({ ...given, prompt: 'Hi' });
  const stream = streamText({ ...given, prompt: 'Hi' });
  let streamed = '';
  for await (const piece of stream.textStream) streamed += piece;
  const told = await generateText({ ...given, prompt: 'weather', tools: { weather }, stopWhen: stepCountIs(3) });
  const later = await generateText({
    ...given, messages: [{ role: 'user', content: 'weather' }, ...told.response.messages, { role: 'user', content: 'Hi' }],
    tools: { weather },
  });
  return {
    whole: whole.text, streamed, told: told.text, later: later.text, steps: told.steps.length,
    finish: whole.finishReason, warnings: (await stream.warnings ?? []).length,
  };
}

const checks = {
  async ai_sdk_openai() {
    const openai = createOpenAI({ baseURL: v1, apiKey: key });
    const found = await aiSdk(openai(model)); // its default: the Responses API
    const { object } = await generateObject({
      model: openai(model), maxRetries: 0, prompt: 'json', schema: z.object({ city: z.string() }),
    });
    return { ...found, object, chat: (await aiSdk(openai.chat(model))).told };
  },
  async ai_sdk_anthropic() {
    return aiSdk(createAnthropic({ baseURL: v1, apiKey: key })(model));
  },
  async openai_node() {
    const client = new OpenAI({ baseURL: v1, apiKey: key, maxRetries: 0 });
    const whole = await client.responses.create({ model, input: 'Hi' });
    let streamed = '';
    for await (const event of await client.responses.create({ model, input: 'Hi', stream: true })) {
      if (event.type === 'response.output_text.delta') streamed += event.delta;
    }
    const second = await client.responses.create({ model, input: 'Hi', previous_response_id: whole.id });
    const listed = [];
    for await (const one of client.responses.inputItems.list(second.id)) listed.push(one.type);
    await client.responses.delete(whole.id);
    let gone = 0;
    try { await client.responses.retrieve(whole.id); } catch (e) { gone = e.status; }
    return { whole: whole.output_text, streamed, listed, gone };
  },
  async anthropic_node() {
    const client = new Anthropic({ baseURL: base, apiKey: key, maxRetries: 0 });
    const given = { model, max_tokens: 100, messages: [{ role: 'user', content: 'Hi' }] };
    const whole = await client.messages.create(given);
    const stream = client.messages.stream(given);
    return { whole: whole.content[0].text, streamed: await stream.finalText() };
  },
};

const found = {};
await Promise.all(Object.entries(checks).map(async ([name, run]) => {
  try {
    found[name] = { ok: await run() };
  } catch (e) {
    found[name] = { failed: `${e.stack ?? e}\n${JSON.stringify(e.responseBody ?? e.error ?? '')}`.slice(0, 3000) };
  }
}));
console.log(JSON.stringify(found));
