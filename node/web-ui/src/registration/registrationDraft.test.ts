import { describe, expect, it } from 'vitest';
import type { DoorRegistration } from '../api/types';
import { choicesOf, emptyRegistrant, localOf, missing, registrantOf, timeOf } from './registrationDraft';

const form: DoorRegistration = {
  state: 'open',
  opens_at: null,
  closes_at: null,
  others: false,
  email: 'required',
  phone: 'optional',
  organisation: 'off',
  job_title: 'off',
  fields: [
    { id: 3, label: 'Colour', kind: 'choice', choices: ['Red', 'Blue'], required: true },
    { id: 5, label: 'Why', kind: 'long_text', choices: [], required: false },
  ],
  consent: 'Terms',
};

describe('registering', () => {
  it('names what is missing as the server does', () => {
    expect(missing(form, emptyRegistrant(' '))).toEqual(['name', 'email', 'answers.3', 'consent']);
    const values = {
      ...emptyRegistrant('Ann'),
      email: 'ann@example.com',
      answers: { 3: 'Red' },
      consents: true,
    };
    expect(missing(form, values)).toEqual([]);
  });

  it('sends what is asked and nothing else', () => {
    const values = {
      ...emptyRegistrant(' Ann '),
      email: ' ann@example.com',
      organisation: 'Example',
      answers: { 3: 'Red', 5: ' ', 9: 'old' },
      consents: true,
    };
    expect(registrantOf(form, values)).toEqual({
      name: 'Ann',
      email: 'ann@example.com',
      phone: '',
      answers: [{ field: 3, value: 'Red' }],
      consents: true,
    });
  });
});

describe('the form of a conference', () => {
  it('takes each choice once, one in a line', () => {
    expect(choicesOf(' Red\n\nBlue\nRed ')).toEqual(['Red', 'Blue']);
  });

  it('reads the times that it writes', () => {
    const time = '2031-03-03T08:30:00.000Z';
    expect(timeOf(localOf(time))).toBe(time);
    expect(localOf(null)).toBe('');
    expect(timeOf('')).toBeNull();
  });
});
