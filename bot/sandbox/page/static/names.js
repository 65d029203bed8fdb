// What the ids in a text stand for, for this person and this place.

import { openChannel } from "./actions.js";
import { findChannel, findRole } from "./store.js";

/** Return the look-ups that `markdown` needs; `people` maps ids to names. */
export function namesFor(people) {
  return {
    user: (id) => people[id] ?? null,
    role: findRole,
    channel: findChannel,
    open: (id) => openChannel(id),
  };
}
