import type { LogoScheme, ServerInfo } from '../api/types';

/** Where the logo for a ground is; the one for the other ground is better than none. */
export function logoFor(logo: ServerInfo['logo'], scheme: LogoScheme): string | null {
  const other = scheme === 'dark' ? 'light' : 'dark';
  const there = logo[scheme] ? scheme : logo[other] ? other : null;
  return there && `/api/v1/logos/${there}?version=${logo[there]!}`;
}
