/** The name of another server that was typed: `demo2@oslo.example.net`; null where it is none. */
export function elsewhereIn(typed: string, own: string): string | null {
  const text = typed.trim().toLowerCase();
  const [, server] = /^[\p{L}\p{N}._-]{1,64}@([\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+)$/u.exec(text) ?? [];
  return server === undefined || server === own ? null : text;
}
