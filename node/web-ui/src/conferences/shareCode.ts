import type { Conference } from '../api/types';

/** What is given to others of a public conference: addresses, and markup for their sites. */

export function addressOf(cid: string, origin = location.origin): string {
  return `${origin}/m/${encodeURIComponent(cid)}`;
}

/** The page that shows how a conference stands; the only one that other sites may frame. */
export function widgetOf(cid: string, origin = location.origin): string {
  return `${origin}/w/${encodeURIComponent(cid)}`;
}

export const FRAME = {
  width: 480,
  height: 280,
  // It runs its own script on its own origin and opens a tab; it cannot lead the site away that shows it.
  sandbox: 'allow-scripts allow-same-origin allow-popups allow-popups-to-escape-sandbox',
};

/** Markup that shows the widget on another site. */
export function snippetOf({ cid, name }: Pick<Conference, 'cid' | 'name'>, origin = location.origin): string {
  const attributes = [
    ['src', widgetOf(cid, origin)],
    ['title', name],
    ['width', '100%'],
    ['height', String(FRAME.height)],
    ['style', `border:0;max-width:${FRAME.width}px`],
    ['loading', 'lazy'],
    ['referrerpolicy', 'no-referrer'],
    ['sandbox', FRAME.sandbox],
  ] as const;
  return `<iframe ${attributes.map(([field, text]) => `${field}="${escaped(text)}"`).join(' ')}></iframe>`;
}

const MARKS: Record<string, string> = { '&': '&amp;', '"': '&quot;', '<': '&lt;', '>': '&gt;', "'": '&#39;' };

function escaped(text: string): string {
  return text.replace(/[&"<>']/g, (mark) => MARKS[mark]!);
}
