/** Reads what an address says after its `?`: whatever is not understood counts as not said. */

export function text(value: unknown): string | undefined {
  const said = typeof value === 'number' ? String(value) : value;
  return typeof said === 'string' && said !== '' ? said : undefined;
}

export function flag(value: unknown): boolean | undefined {
  return value === true || value === 'true' ? true : value === false || value === 'false' ? false : undefined;
}

export function oneOf<const T extends string>(value: unknown, known: readonly T[]): T | undefined {
  return known.find((one) => one === value);
}

/** None of it has to be said, so that links need not name what they do not mean. */
export function optional<T extends object>(said: T): Partial<T> {
  return said;
}
