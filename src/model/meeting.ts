/** One end's sight of a connection that became established. Generated from `struct meeting` of bpf/include/meeting.h. */
import type { Meeting } from '../events/shared.js';

export { ROLES, type Meeting, type Role } from '../events/shared.js';

/** True of what only recordings have use for. */
export function isMeeting(item: { type: string }): item is Meeting {
  return item.type === 'meeting';
}
