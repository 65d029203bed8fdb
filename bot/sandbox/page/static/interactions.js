// Uses commands and components. Answers come with the stream of events, forms come right here.

import { post } from "./api.js";
import { openForm } from "./form.js";
import { attempt } from "./notices.js";
import { state } from "./store.js";

/** Use a slash command in the open channel; returns whether the bot answered. */
export function useCommand(path, options) {
  return run(`/channels/${state.channelId}/commands`, { command: path, options });
}

/** Use a context menu command on a message. */
export function useMenu(name, message) {
  return run(`/channels/${message.channel_id}/context-menu`, { name, target_id: message.id });
}

/** Press a button, or choose `values` in a select, of a message. */
export function useComponent(message, customId, values) {
  const body = { custom_id: customId };
  if (values) body.values = values;
  return run(`/channels/${message.channel_id}/messages/${message.id}/components`, body);
}

async function run(path, body) {
  const answer = await attempt(() => post(path, body));
  if (answer?.modal) openForm(answer.modal, answer.id);
  return answer !== undefined;
}
