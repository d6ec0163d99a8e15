import { describe, expect, it } from 'vitest';
import { addressOf, FRAME, snippetOf } from './shareCode';

const ORIGIN = 'https://paris.example.com:8443';

describe('what is given to others of a conference', () => {
  it('is its address, and markup with the widget', () => {
    expect(addressOf('réunion', ORIGIN)).toBe(`${ORIGIN}/m/r%C3%A9union`);
    const holder = document.createElement('div');
    holder.innerHTML = snippetOf({ cid: 'review', name: 'Review' }, ORIGIN);
    const frame = holder.querySelector('iframe')!;
    expect(frame.getAttribute('src')).toBe(`${ORIGIN}/w/review`);
    expect(frame.getAttribute('title')).toBe('Review');
    expect(frame.getAttribute('sandbox')).toBe(FRAME.sandbox);
    expect(frame.getAttribute('allow'), 'no camera').toBeNull();
    expect(FRAME.sandbox).not.toContain('top-navigation');
  });

  it('is one frame, whatever the conference is called', () => {
    const holder = document.createElement('div');
    const name = `"><script>alert('x')</script> & <b>`;
    holder.innerHTML = snippetOf({ cid: 'review', name }, ORIGIN);
    expect(holder.children).toHaveLength(1);
    expect(holder.querySelector('iframe')?.getAttribute('title')).toBe(name);
  });
});
