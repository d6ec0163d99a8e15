import { describe, expect, it } from 'vitest';
import type { Settings } from '../api/types';
import { flatten, looksLikeNetwork, sectionsOf } from './settingsDraft';
import { settingsIndex } from './settingsIndex';

const settings: Settings = {
  password: { min_length: 8, mixed_case: false, digits: false, specials: false },
  lockout: { enabled: true, duration_s: 86_400, attempts: 5, window_s: 600 },
  sessions: { lifetime_days: 30 },
  admin_access: { networks: ['10.0.0.0/8'] },
  front_page: { title: 'Paris', help: '', contacts: '', guide: '' },
  conferences: {
    delete_past: false,
    delete_past_days: 90,
    delete_unused: false,
    delete_unused_days: 365,
    keep_history_days: 365,
    keep_chat_days: 365,
  },
  conference_ids: { letters: false, length: 9, by_owners: true },
  new_conferences: {
    public: false,
    uninvited: true,
    waiting_room: 'off',
    muted_on_entry: false,
    camera_off_on_entry: false,
    guests_chat: true,
    guests_audio: true,
    guests_video: true,
  },
  federation: { mode: 'off', whitelist: [], blacklist: [] },
  partner_terms: {
    calls: true,
    conferences: true,
    chat: true,
    content: true,
    recording: false,
    bandwidth_kbps: null,
    participants: null,
  },
  profile_fields: { people: ['email'], partners: [] },
  zones: {
    subnets: ['10.0.0.0/8'],
    trusted: { name: '', on: true, methods: ['password'], guests: true, rights: [] },
    internet: { name: '', on: true, methods: ['password'], guests: true, rights: [] },
  },
  border: { deny: [], connections_per_network: null, rate_per_network: null, flows_per_network: null },
  revision: '3',
};

describe('settings', () => {
  it('go out a section at a time, each whole', () => {
    const { revision, ...flat } = flatten(settings);
    expect(revision).toBe('3');
    const changed = { ...flat, 'lockout.attempts': 7 };
    expect(sectionsOf(changed, ['lockout.attempts'])).toEqual({
      lockout: { ...settings.lockout, attempts: 7 },
    });
  });

  it('can all be found by the search', () => {
    const found = settingsIndex.map(({ section, field }) => `${section}.${field}`);
    const { revision, ...flat } = flatten(settings);
    expect(revision).toBeTruthy();
    expect(found.sort()).toEqual(Object.keys(flat).sort());
  });

  it.each([
    ['10.0.0.0/8', true],
    ['192.168.1.7', true],
    ['2001:db8::/32', true],
    ['::1', true],
    ['10.0.0.0/33', false],
    ['10.0.0.256', false],
    ['10.0.0', false],
    ['example.com', false],
    ['10.0.0.0/8/8', false],
    ['', false],
  ])('take %s as a network: %s', (text, expected) => {
    expect(looksLikeNetwork(text)).toBe(expected);
  });
});
