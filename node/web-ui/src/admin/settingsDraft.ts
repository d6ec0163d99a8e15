import type { Settings, SettingsPatch, SettingsSections } from '../api/types';

/** Settings as one flat list of fields, `password.min_length`, so that each change can be named by itself. */

type Path = {
  [S in keyof SettingsSections]: `${S}.${keyof SettingsSections[S] & string}`;
}[keyof SettingsSections];
type At<T, P> = P extends `${infer Head}.${infer Rest}`
  ? Head extends keyof T
    ? At<T[Head], Rest>
    : never
  : P extends keyof T
    ? T[P]
    : never;

export type FlatSettings = { [P in Path]: At<SettingsSections, P> };
export type SettingField = keyof FlatSettings;

export function flatten({ revision, ...sections }: Settings): FlatSettings & { revision: string } {
  const fields = Object.entries(sections).flatMap(([section, values]) =>
    Object.entries(values as object).map(([field, value]) => [`${section}.${field}`, value] as const),
  );
  return { ...(Object.fromEntries(fields) as unknown as FlatSettings), revision };
}

/** The sections that `changed` touches, each whole, as the server takes them. */
export function sectionsOf(value: FlatSettings, changed: string[]): SettingsPatch {
  const touched = new Set(changed.map((field) => field.split('.')[0]!));
  const sections: Record<string, Record<string, unknown>> = {};
  for (const [path, one] of Object.entries(value)) {
    const [section, field] = path.split('.');
    if (section && field && touched.has(section)) (sections[section] ??= {})[field] = one;
  }
  return sections as SettingsPatch;
}

/** `10.0.0.0/8`, `::1`: an address or a range of them; the server has the last word. */
export function looksLikeNetwork(text: string): boolean {
  const [address = '', bits, more] = text.trim().split('/');
  if (more !== undefined || (bits !== undefined && !/^\d{1,3}$/.test(bits))) return false;
  const four =
    /^\d{1,3}(\.\d{1,3}){3}$/.test(address) && address.split('.').every((part) => Number(part) < 256);
  const six = address.includes(':') && /^[\da-f:.]{2,45}$/i.test(address);
  const most = four ? 32 : 128;
  return (four || six) && (bits === undefined || Number(bits) <= most);
}
