import type { FieldError } from './types';

/** Why a call did not do what was asked: a problem of the server (RFC 9457), or the network. */
export class Problem extends Error {
  /** Stable code of docs/protocols/rest.md; `network` where no node answered. */
  readonly code: string;
  readonly status: number;
  readonly detail: string;
  readonly fields: FieldError[];
  /** For people who ask for help: the server's logs name it. */
  readonly requestId: string | null;
  readonly extra: Record<string, unknown>;

  constructor(
    code: string,
    status: number,
    detail = '',
    fields: FieldError[] = [],
    requestId: string | null = null,
    extra: Record<string, unknown> = {},
  ) {
    super(detail || code);
    this.name = 'Problem';
    this.code = code;
    this.status = status;
    this.detail = detail;
    this.fields = fields;
    this.requestId = requestId;
    this.extra = extra;
  }

  static network(): Problem {
    return new Problem('network', 0);
  }

  static async of(response: Response): Promise<Problem> {
    const requestId = response.headers.get('plenary-request-id');
    let body: Record<string, unknown> = {};
    try {
      body = (await response.json()) as Record<string, unknown>;
    } catch {
      // Not from our server, or cut off: the status has to do.
    }
    const text = (value: unknown) => (typeof value === 'string' ? value : '');
    const fields = Array.isArray(body.errors) ? (body.errors as FieldError[]) : [];
    const code = text(body.code) || text(body.type).split('/').pop() || 'unknown';
    return new Problem(code, response.status, text(body.detail), fields, requestId, body);
  }
}

export function asProblem(error: unknown): Problem {
  return error instanceof Problem ? error : new Problem('unknown', 0, String(error));
}
