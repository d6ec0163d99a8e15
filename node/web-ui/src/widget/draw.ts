import { leftText, startText } from '../ui/when';
import type { Standing } from './standing';
import type { Text } from './texts';

/** Draws the widget; only what is another than before, so that screen readers do not tell it all again. */
export function draw(root: HTMLElement, standing: Standing, now: number, language: string, t: Text) {
  const wanted = partsOf(standing, now, language, t);
  const key = JSON.stringify(wanted.map(({ left, ...rest }) => [rest, left !== undefined]));
  if (root.dataset.shown !== key) {
    root.dataset.shown = key;
    root.replaceChildren(...wanted.map(element));
  }
  for (const { left } of wanted) {
    const counted = root.querySelector('[data-left]');
    if (left !== undefined && counted && counted.textContent !== left) counted.textContent = left;
  }
  document.title = 'door' in standing ? standing.door.name : t('widget.gone');
}

interface Part {
  tag: 'h1' | 'p' | 'a';
  text: string;
  className: string;
  href?: string;
  /** Behind the text of a link, for those who do not see its arrow. */
  hint?: string;
  /** Counts down. */
  left?: string;
}

function partsOf(standing: Standing, now: number, language: string, t: Text): Part[] {
  if (standing.state === 'looking') return [{ tag: 'p', text: t('widget.looking'), className: 'text' }];
  if (standing.state === 'gone' || standing.state === 'failed') {
    const failed = standing.state === 'failed';
    return [
      { tag: 'h1', text: t(failed ? 'widget.failed' : 'widget.gone'), className: 'title' },
      { tag: 'p', text: t(failed ? 'widget.failedText' : 'widget.goneText'), className: 'text' },
    ];
  }
  const { door, state } = standing;
  const parts: Part[] = [
    { tag: 'p', text: stateText(state, t), className: `state ${state}` },
    { tag: 'h1', text: door.name, className: 'title' },
  ];
  if (standing.state === 'later') {
    const { start } = standing;
    const text =
      start === null ? t('widget.byHand') : t('widget.begins', { when: startText(start, language) });
    parts.push({ tag: 'p', text, className: 'when' });
    if (start !== null) {
      const left = start > now ? t('widget.in', { time: leftText(start - now, language) }) : t('widget.soon');
      parts.push({ tag: 'p', text: '', className: 'left', left });
    }
  }
  if (door.description) parts.push({ tag: 'p', text: door.description, className: 'text' });
  if (state !== 'over') {
    const href = `/m/${encodeURIComponent(door.cid)}`;
    parts.push({ tag: 'a', text: t('widget.open'), className: 'open', href, hint: t('widget.newTab') });
  }
  return parts;
}

function stateText(state: 'always' | 'now' | 'over' | 'later', t: Text): string {
  switch (state) {
    case 'always':
      return t('widget.always');
    case 'now':
      return t('widget.now');
    case 'over':
      return t('widget.over');
    case 'later':
      return t('widget.later');
  }
}

function element({ tag, text, className, href, hint, left }: Part): HTMLElement {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  if (left !== undefined) {
    made.dataset.left = '';
    // It changes each minute; when it begins was told already.
    made.setAttribute('aria-live', 'off');
  }
  if (made instanceof HTMLAnchorElement && href) {
    made.href = href;
    made.target = '_blank';
    made.rel = 'noopener noreferrer';
    const more = document.createElement('span');
    more.className = 'unseen';
    more.textContent = ` ${hint}`;
    made.append(more);
  }
  return made;
}
