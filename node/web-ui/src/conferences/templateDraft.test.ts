import { describe, expect, it } from 'vitest';
import type { Template } from '../api/types';
import { newOf, valuesOf } from './conferenceDraft';
import { dayFor, newTemplateOf, templatePatchOf, templateValues, valuesFrom } from './templateDraft';

function template(more: Partial<Template> = {}): Template {
  const values = valuesOf();
  const { mode, podium_places, waiting_room, uninvited, browser, programs, guests, quality } = values;
  return {
    id: '7',
    name: 'Weekly',
    owner: 'alice',
    for_all: false,
    description: 'Every week',
    access: 'public',
    settings: {
      ...{ mode, podium_places, waiting_room, uninvited, browser, programs, guests, quality },
      layouts: [],
      ...{ has_pin: true, pin: '4711', moderators: ['bob'], invited: ['carol'], place: 'Room 7' },
      lecturers: [],
      ...{
        begins_locked: true,
        call_at_start: true,
        muted_on_entry: true,
        camera_off_on_entry: false,
        participant_limit: 0,
        guest_limit: 0,
      },
      registration: {
        ...values.registration,
        on: true,
        fields: [{ id: 3, label: 'Town', kind: 'text', choices: [], required: false }],
      },
    },
    launch: 'scheduled',
    schedule: { time: '09:30', zone: 'Europe/Paris', duration_minutes: 45, weekdays: ['monday'] },
    changeable: true,
    created_at: '2026-01-01T00:00:00Z',
    updated_at: '2026-01-01T00:00:00Z',
    revision: '7',
    ...more,
  };
}

describe('templates in the form of conferences', () => {
  it('set a new conference up, on a day to come, with new fields', () => {
    const values = valuesFrom(template());
    expect(values).toMatchObject({ time: '09:30', zone: 'Europe/Paris', duration_minutes: 45, pin: '4711' });
    const made = newOf({ ...values, cid: 'review', name: 'Review' });
    expect(made).toMatchObject({ launch: 'scheduled', access: 'public', description: 'Every week' });
    expect(made.schedule).toMatchObject({ weekdays: ['monday'], until: null, count: null });
    expect(made.settings?.registration?.fields).toMatchObject([{ id: null, label: 'Town' }]);
    expect(made.settings).toMatchObject({ moderators: ['bob'], invited: ['carol'], muted_on_entry: true });
  });

  it('keep neither days nor what a conference is called in its address', () => {
    const values = {
      ...valuesFrom(template()),
      name: 'Kept',
      cid: 'review',
      owner: 'bob',
      date: '2030-01-01',
    };
    const kept = newTemplateOf(values, true);
    expect(kept).toMatchObject({ name: 'Kept', for_all: true, launch: 'scheduled' });
    expect(kept.schedule).toEqual({
      time: '09:30',
      zone: 'Europe/Paris',
      duration_minutes: 45,
      weekdays: ['monday'],
    });
    expect(Object.keys(kept)).not.toContain('cid');
    expect(Object.keys(kept)).not.toContain('owner');
    expect(newTemplateOf({ ...valuesOf(), name: 'Plain' })).toEqual({
      name: 'Plain',
      description: '',
      access: 'internal',
    });
  });

  it('send changes only, and fields keep their numbers', () => {
    const before = templateValues(template());
    expect(templatePatchOf(before, before)).toBeNull();
    expect(templatePatchOf({ ...before, date: '2031-01-01' }, before)).toBeNull();
    expect(templatePatchOf({ ...before, time: '10:00', name: 'Other' }, before)).toMatchObject({
      name: 'Other',
      schedule: { time: '10:00' },
    });
    expect(templatePatchOf({ ...before, launch: 'by_hand' }, before)).toEqual({ launch: 'by_hand' });
    const registration = { ...before.registration, consent: 'Recorded' };
    expect(templatePatchOf({ ...before, registration }, before)?.settings?.registration).toMatchObject({
      fields: [{ id: 3 }],
    });
  });

  it('begin today, or tomorrow where the time has passed', () => {
    const now = new Date(2027, 11, 31, 9, 30);
    expect(dayFor('09:31', now)).toBe('2027-12-31');
    expect(dayFor('09:30', now)).toBe('2028-01-01');
  });
});
