import { expect, test } from 'vitest';
import type { Borrower, LicenseManager } from '../api/types';
import { borrowerTone, historyPath, idle, managerTone } from './licenseManager';

const none = { pro: 0, online: 0, guest: 0, gateway: 0 };
const lent: LicenseManager = {
  name: 'licences.example.com',
  pool: '9',
  addresses: [],
  since: '2030-01-01T00:00:00.000Z',
  by: null,
  stage: 'lent',
  alarm: 'none',
  replica: 'lm-1:4310',
  trouble: null,
  refusal: null,
  leased: none,
  in_use: none,
  wanted: none,
  time_left_s: 40_000,
};

test('a manager that is away is a warning, and one that does not lend is worse', () => {
  expect(managerTone(lent)).toBe('good');
  expect(managerTone({ ...lent, stage: 'waiting' })).toBe('note');
  expect(managerTone({ ...lent, replica: null })).toBe('warn');
  expect(managerTone({ ...lent, alarm: 'short' })).toBe('warn');
  expect(managerTone({ ...lent, replica: null, alarm: 'over' })).toBe('bad');
  expect(managerTone({ ...lent, refusal: { code: 'not-covered', detail: '' } })).toBe('bad');
});

const oslo: Borrower = {
  server: 'oslo.example.com',
  leased: { ...none, pro: 9 },
  used: { ...none, pro: 2 },
  wanted: { ...none, pro: 4 },
  guaranteed: none,
  most: null,
  left_s: 40_000,
  silent_s: 3,
  expected: true,
  covered: true,
};

test('a server that is silent while it holds seats is a warning', () => {
  expect(borrowerTone(oslo).name).toBe('connected');
  expect(borrowerTone({ ...oslo, silent_s: null })).toEqual({ tone: 'warn', name: 'silent' });
  expect(borrowerTone({ ...oslo, silent_s: null, left_s: null }).name).toBe('idle');
  expect(borrowerTone({ ...oslo, covered: false }).tone).toBe('bad');
  expect(borrowerTone({ ...oslo, expected: false }).name).toBe('left');
});

test('what a server neither uses nor wants can be asked back', () => {
  expect(idle(oslo, 'pro')).toBe(5);
  expect(idle(oslo, 'guest')).toBe(0);
});

test('a history is drawn as steps over the whole width', () => {
  const points: [number, number][] = [
    [1_000, 0],
    [2_000, 5],
    [3_000, 10],
  ];
  expect(historyPath(points, 10, 200, 100)).toBe('M0 100H100V50H200V0');
  expect(historyPath([], 10, 200, 100)).toBe('');
});
