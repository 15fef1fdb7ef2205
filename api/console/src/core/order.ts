/** Pure: the order of the rows, which must not move under the pointer. */

export interface Order {
  /** What the list shows now, top to bottom. */
  shown: string[];
  /** How many rows wait to be shown. */
  waiting: number;
}

/** Give the next order: free lists follow `sorted`; a held list keeps every row where it is and counts the rest. */
export function reorder(shown: string[], sorted: string[], held: boolean): Order {
  if (!held) return { shown: sorted, waiting: 0 };
  const there = new Set(shown);
  return { shown, waiting: sorted.reduce((count, id) => count + (there.has(id) ? 0 : 1), 0) };
}

/** Leave the chosen row above the neighbour that it stood above: what a person works on does not jump away by it. */
export function pinned(shown: string[], sorted: string[], chosen: string | null): string[] {
  if (chosen === null || !sorted.includes(chosen) || !shown.includes(chosen)) return sorted;
  const rest = sorted.filter((id) => id !== chosen);
  const places = new Map(rest.map((id, place) => [id, place]));
  const below = shown.slice(shown.indexOf(chosen) + 1).find((id) => places.has(id));
  const place = (below === undefined ? undefined : places.get(below)) ?? rest.length;
  return [...rest.slice(0, place), chosen, ...rest.slice(place)];
}

/** The id `steps` rows from `current`, staying inside; the first row when nothing is chosen. */
export function neighbour(shown: string[], current: string | null, steps: number): string | null {
  if (!shown.length) return null;
  const at = current === null ? -1 : shown.indexOf(current);
  if (at < 0) return shown[0] ?? null;
  return shown[Math.min(shown.length - 1, Math.max(0, at + steps))] ?? null;
}
