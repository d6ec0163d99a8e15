import { describe, expect, it } from 'vitest';
import { cidFrom, newOf, patchOf, randomPin, valuesOf } from './conferenceDraft';

describe('the form of a conference', () => {
  it('says only what is another than usual', () => {
    const values = { ...valuesOf(), cid: ' review ', name: 'Review' };
    expect(newOf(values)).toEqual({ cid: 'review', name: 'Review', description: '', access: 'internal' });
    expect(newOf({ ...values, owner: 'bob', pin: '4711', mode: 'smart' })).toMatchObject({
      owner: 'bob',
      settings: { pin: '4711', mode: 'smart' },
    });
  });

  it('sends changes, and what is taken away as empty', () => {
    const before = { ...valuesOf(), cid: 'review', name: 'Review', pin: '4711', moderators: ['bob'] };
    expect(patchOf(before, before)).toBeNull();
    expect(patchOf({ ...before, name: 'Other' }, before)).toEqual({ name: 'Other' });
    expect(patchOf({ ...before, pin: '', moderators: [] }, before)).toEqual({
      settings: { pin: '', moderators: [] },
    });
  });

  it('makes addresses of names, and PINs', () => {
    expect(cidFrom('Réunion de l’équipe 7!')).toBe('reunion-de-l-equipe-7');
    expect(randomPin()).toMatch(/^[0-9]{6}$/);
  });
});
