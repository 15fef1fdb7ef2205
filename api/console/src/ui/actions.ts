/** Orders of the operator on the selected incident, and what became of the last one. */

import * as api from '../core/api';
import { asProblem, desk } from '../core/desk';
import type { Problem } from '../core/problem';
import { topics } from '../core/topics';
import type { Incident, IncidentChange } from '../core/types';

export interface Conflict {
  incident: Incident;
  changes: IncidentChange[];
}

export interface OrderState {
  busy: string | null;
  problem: Problem | null;
  conflict: Conflict | null;
  /** Of which incident the problem or conflict is. */
  of: string | null;
}

const CALM: OrderState = { busy: null, problem: null, conflict: null, of: null };
export let order: OrderState = CALM;

function set(next: OrderState): void {
  order = next;
  topics.emit('notice');
}

export function calm(): void {
  set(CALM);
}

/** Orders that stay right when only rules spoke in between; resolving and closing then need a second look. */
const SAFE = ['ack', 'assign', 'comment'];

export function allowed(action: string): boolean {
  return desk.detail?.actions.includes(action) ?? false;
}

/** Nobody ends an incident on details that are known to be old. */
export function ready(action: string): boolean {
  return allowed(action) && (SAFE.includes(action) || !desk.outdated);
}

const RETRIES = 3;

/**
 * Send an order for the version that the person has read; true when it was carried out. The list may know a newer one:
 * with that, the server could not tell that something was overlooked.
 */
export async function act(action: string, extra: Omit<api.Order, 'expected_version'> = {}): Promise<boolean> {
  const shown = desk.detail;
  if (!shown || order.busy !== null || !ready(action)) return false;
  const { id, version } = shown.incident;
  set({ ...CALM, busy: action, of: id });
  try {
    desk.absorb(await send(action, id, version, extra, RETRIES));
    await desk.loadDetail();
    set(CALM);
    return true;
  } catch (error) {
    const problem = asProblem(error);
    const conflict = problem.status === 409 ? readConflict(problem) : null;
    set({ busy: null, of: id, conflict, problem: conflict ? null : problem });
    return false;
  }
}

async function send(action: string, id: string, version: number, extra: object, retries: number): Promise<Incident> {
  try {
    return (await api.act(id, action, { expected_version: version, ...extra })).incident;
  } catch (error) {
    const problem = asProblem(error);
    if (problem.status !== 409 || !retries || !SAFE.includes(action)) throw problem;
    const { incident, changes } = readConflict(problem);
    if (!changes.length || changes.some(({ actor }) => !actor.startsWith('rule:'))) throw problem;
    return send(action, id, incident.version, extra, retries - 1);
  }
}

function readConflict(problem: Problem): Conflict {
  const { incident, changes } = problem.body as unknown as Partial<Conflict>;
  return { incident: incident ?? (desk.detail?.incident as Incident), changes: changes ?? [] };
}

/** Take the state that the other person left and let the operator decide again. */
export async function acceptConflict(): Promise<void> {
  const { conflict } = order;
  if (conflict) desk.absorb(conflict.incident);
  await desk.loadDetail();
  calm();
}
