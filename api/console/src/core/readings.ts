/** Pure: the newest reading that is known of an incident: its own evidence, or what its device has said since. */

import type { Device, Incident, Reading } from './types';

export function newest(incident: Incident, device: Device | undefined): Reading | null {
  const told = incident.latest ?? null;
  const value = told === null ? undefined : device?.last_values[told.metric];
  const at = device?.last_observed_at;
  if (told === null || value === undefined || !at || Date.parse(at) <= Date.parse(told.at)) return told;
  return { ...told, value, at };
}
