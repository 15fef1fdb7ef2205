/** An answer of the server that is not a success, or no answer at all; carries problem+json. */

export interface ProblemBody {
  title?: string;
  status?: number;
  detail?: string;
  fix?: string;
  [extra: string]: unknown;
}

export class Problem extends Error {
  constructor(
    /** HTTP status, 0 when the server could not be reached. */
    readonly status: number,
    readonly body: ProblemBody = {},
  ) {
    super(body.detail ?? body.title ?? `HTTP ${status}`);
  }
}
