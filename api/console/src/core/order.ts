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

/** The id `steps` rows from `current`, staying inside; the first row when nothing is chosen. */
export function neighbour(shown: string[], current: string | null, steps: number): string | null {
  if (!shown.length) return null;
  const at = current === null ? -1 : shown.indexOf(current);
  if (at < 0) return shown[0] ?? null;
  return shown[Math.min(shown.length - 1, Math.max(0, at + steps))] ?? null;
}
