/** Calls of the HTTP contract: same origin, cookie session, CSRF token on writes. */

import { currentLanguage } from './i18n';
import { Problem, type ProblemBody } from './problem';
import type {
  Agency,
  Counts,
  Device,
  Incident,
  IncidentDetail,
  IncidentPage,
  Kind,
  Metric,
  Series,
  Session,
  Source,
  Zones,
} from './types';

/** A server that does not answer is told as such after this long. */
const TIMEOUT_MS = 15_000;

let csrf = '';

export function useCsrf(token: string): void {
  csrf = token;
}

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = { accept: 'application/json', 'accept-language': currentLanguage() };
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (method !== 'GET' && csrf) headers['x-csrf-token'] = csrf;
  let answer: Response;
  try {
    answer = await fetch(path, {
      method,
      headers,
      credentials: 'same-origin',
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw new Problem(0);
  }
  if (!answer.ok) throw new Problem(answer.status, await readProblem(answer));
  return answer.status === 204 ? (undefined as T) : ((await answer.json()) as T);
}

async function readProblem(answer: Response): Promise<ProblemBody> {
  try {
    return (await answer.json()) as ProblemBody;
  } catch {
    return { title: answer.statusText };
  }
}

interface Items<T> {
  items: T[];
}

const items = async <T>(path: string): Promise<T[]> => (await call<Items<T>>('GET', path)).items;

export interface Order {
  expected_version: number;
  text?: string;
  agency?: string;
  assignee?: string;
}

export const login = (name: string, password: string) => call<Session>('POST', '/v1/session', { name, password });
export const logout = () => call<void>('DELETE', '/v1/session');
export const me = () => call<Session>('GET', '/v1/me');
export const incidents = (query: string) => call<IncidentPage>('GET', `/v1/incidents?${query}`);
export const incident = (id: string) => call<IncidentDetail>('GET', `/v1/incidents/${encodeURIComponent(id)}`);
export const counts = () => call<Counts>('GET', '/v1/incidents/counts');
export const devices = () => items<Device>('/v1/devices');
export const sources = () => items<Source>('/v1/sources');
export const agencies = () => items<Agency>('/v1/agencies');
export const kinds = () => items<Kind>('/v1/kinds');
export const metrics = () => items<Metric>('/v1/metrics');
export const communes = () => call<Zones>('GET', '/v1/zones?kind=commune&simplify=0.001');

export function act(id: string, action: string, order: Order): Promise<{ incident: Incident; feed_id: number }> {
  return call('POST', `/v1/incidents/${encodeURIComponent(id)}/${encodeURIComponent(action)}`, order);
}

export function observations(device: string, metric: string, from: string, to: string): Promise<Series> {
  const query = new URLSearchParams({ metric, from, to, step: 'auto' });
  return call('GET', `/v1/devices/${encodeURIComponent(device)}/observations?${query}`);
}
