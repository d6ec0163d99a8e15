import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Door } from '../api/types';
import { draw } from './draw';
import { cidIn, lookAgainMs, standingOf } from './standing';
import { textsFor } from './texts';

const NOW = Date.parse('2027-03-01T08:00:00Z');

function door(more: Partial<Door> = {}): Door {
  return {
    cid: 'review',
    name: 'Review',
    description: 'What we did.\n<b>All</b> of it.',
    place: '',
    launch: 'scheduled',
    guests: true,
    next: { start: '2027-03-01T09:30:00Z', end: null },
    open: false,
    rights: { chat: true, audio: true, video: true },
    registration: null,
    ...more,
  };
}

async function shown(of: Door, now = NOW, languages = ['en-GB']) {
  const root = document.createElement('main');
  const { language, t } = await textsFor(languages);
  draw(root, standingOf(of), now, language, t);
  return root;
}

describe('what the widget says', () => {
  it('is whether a conference has begun, has not, is over or always open', () => {
    expect(standingOf(door()).state).toBe('later');
    expect(standingOf(door({ open: true })).state).toBe('now');
    expect(standingOf(door({ next: null })).state).toBe('over');
    expect(standingOf(door({ next: null, open: true })).state).toBe('now');
    expect(standingOf(door({ next: null, launch: 'by_hand' }))).toMatchObject({
      state: 'later',
      start: null,
    });
    expect(standingOf(door({ next: null, open: true, launch: 'virtual_room' })).state).toBe('always');
  });

  it('is when it begins and how long that is, with a link to its page in a new tab', async () => {
    const root = await shown(door());
    expect(root.querySelector('h1')?.textContent).toBe('Review');
    expect(root.querySelector('.state')?.textContent).toBe('Not yet');
    expect(root.querySelector('[data-left]')?.textContent).toBe('In 1 hour 30 minutes');
    expect(root.textContent).toContain('<b>All</b> of it.');
    expect(root.querySelector('b'), 'texts are no markup').toBeNull();
    const link = root.querySelector('a')!;
    expect(link.getAttribute('href')).toBe('/m/review');
    expect([link.target, link.rel]).toEqual(['_blank', 'noopener noreferrer']);
  });

  it('counts down without drawing the rest again', async () => {
    const root = document.createElement('main');
    const { language, t } = await textsFor(['en']);
    draw(root, standingOf(door()), NOW, language, t);
    const link = root.querySelector('a');
    draw(root, standingOf(door()), NOW + 60_000, language, t);
    expect(root.querySelector('[data-left]')?.textContent).toBe('In 1 hour 29 minutes');
    expect(root.querySelector('a')).toBe(link);
    draw(root, standingOf(door()), NOW + 6_000_000, language, t);
    expect(root.querySelector('[data-left]')?.textContent).toBe('In a moment');
  });

  it('has no way into what is over', async () => {
    const root = await shown(door({ next: null }));
    expect(root.querySelector('.state')?.textContent).toBe('Over');
    expect(root.querySelector('a')).toBeNull();
  });

  it('is in the language of the browser', async () => {
    const root = await shown(door({ open: true }), NOW, ['fr-CA', 'en']);
    expect(root.querySelector('.state')?.textContent).toBe('En cours');
    expect((await textsFor(['ja'])).language).toBe('en');
  });

  it('is looked for again more often when it is about to begin', () => {
    const start = Date.parse('2027-03-01T09:30:00Z');
    expect(lookAgainMs(standingOf(door()), NOW, 0)).toBe(30_000);
    expect(lookAgainMs(standingOf(door()), start - 60_000, 0.5)).toBe(6_250);
    expect(lookAgainMs({ state: 'gone' }, NOW, 0)).toBe(30_000);
  });

  it('is about the conference that the address names', () => {
    expect(cidIn('/w/weekly-review')).toBe('weekly-review');
    expect(cidIn('/w/r%C3%A9union')).toBe('réunion');
    for (const path of ['/w/', '/w/a/b', '/m/review', '/w/%ff']) expect(cidIn(path)).toBeNull();
  });
});

describe('the widget in a page', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.useRealTimers();
    document.body.replaceChildren();
  });

  it('tells what is not there and what is not public alike, and sends nothing of the reader', async () => {
    vi.useFakeTimers();
    const ask = vi.fn(async () => new Response('{}', { status: 404 }));
    vi.stubGlobal('fetch', ask);
    const root = document.createElement('main');
    root.id = 'widget';
    document.body.append(root);
    window.history.replaceState(null, '', '/w/secret');
    await import('./main');
    await vi.waitFor(() => expect(root.textContent).toContain('Nothing to show here'));
    expect(ask).toHaveBeenCalledWith('/api/v1/conferences/secret/door', {
      credentials: 'omit',
      cache: 'no-store',
      headers: { accept: 'application/json' },
    });
  });
});
