import { describe, expect, it } from 'vitest';
import type { Partner, PartnerTerms } from '../api/types';
import { byNeed, formOf, grouped, toSend } from './partner';

const usual: PartnerTerms = {
  calls: true,
  conferences: true,
  chat: true,
  content: true,
  recording: false,
  bandwidth_kbps: null,
  participants: null,
};

const oslo: Partner = {
  server: 'oslo.example.net',
  state: 'well',
  note: 'Ask Olav',
  terms: null,
  authority: null,
  authorities: [],
  certificate: 'ab'.repeat(32),
  seen: null,
  waiting: 0,
  waiting_since: null,
  revision: '7',
};

describe('a partner', () => {
  it('is sent as it was where nothing was changed', () => {
    expect(toSend(formOf(oslo, usual))).toEqual({
      note: 'Ask Olav',
      terms: null,
      authority: null,
      certificate: 'ab'.repeat(32),
    });
  });

  it('starts with the usual terms where it gets its own', () => {
    const form = { ...formOf(undefined, usual), own: true };
    expect(toSend(form).terms).toEqual(usual);
  });

  it('is pinned by one thing only', () => {
    const form = { ...formOf(oslo, usual), pinned: 'authority' as const, authority: 'PEM' };
    expect(toSend(form)).toMatchObject({ authority: 'PEM', certificate: null });
    expect(toSend({ ...form, pinned: 'none' })).toMatchObject({ authority: null, certificate: null });
  });

  it('comes first where it needs somebody', () => {
    const bergen: Partner = { ...oslo, server: 'bergen.example.net' };
    const odd: Partner = { ...oslo, server: 'z.example.net', state: 'certificate_changed' };
    expect(byNeed([oslo, odd, bergen]).map((one) => one.server)).toEqual([
      'z.example.net',
      'bergen.example.net',
      'oslo.example.net',
    ]);
  });

  it('has a fingerprint that people can compare', () => {
    expect(grouped('abcdef0123')).toBe('abcd ef01 23');
  });
});
