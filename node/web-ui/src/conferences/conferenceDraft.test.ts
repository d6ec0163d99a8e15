import { describe, expect, it } from 'vitest';
import { cidFrom, inviting, newOf, nextHour, patchOf, randomPin, valuesOf } from './conferenceDraft';

describe('the form of a conference', () => {
  it('says only what is another than usual', () => {
    const values = { ...valuesOf(), id_by: 'own' as const, cid: ' review ', name: 'Review' };
    expect(newOf(values)).toEqual({ cid: 'review', name: 'Review', description: '', access: 'internal' });
    expect(newOf({ ...values, owner: 'bob', pin: '4711', mode: 'smart', begins_locked: true })).toMatchObject(
      {
        owner: 'bob',
        settings: { pin: '4711', mode: 'smart', begins_locked: true },
      },
    );
  });

  it('names whom one came to invite, once', () => {
    const olav = 'olav@oslo.example.com';
    const values = inviting(valuesOf(), olav);
    expect(inviting(values, olav)).toBe(values);
    expect(newOf(values).settings).toEqual({ invited: [olav] });
    expect(inviting(valuesOf(), undefined)).toEqual(valuesOf());
    const chaired = { ...valuesOf(), moderators: [olav] };
    expect(inviting(chaired, olav).invited).toEqual([]);
  });

  it('lets everybody come into a public conference, whatever was chosen for an internal one', () => {
    const before = {
      ...valuesOf(),
      id_by: 'stays' as const,
      cid: 'review',
      name: 'Review',
      uninvited: false,
    };
    expect(patchOf({ ...before, access: 'public' }, before)).toEqual({
      access: 'public',
      settings: { uninvited: true },
    });
    expect(newOf({ ...before, access: 'public' })).toEqual({
      name: 'Review',
      description: '',
      access: 'public',
    });
    // Back again, it is as it was.
    expect(newOf(before)).toMatchObject({ access: 'internal', settings: { uninvited: false } });
  });

  it('leaves the ID to the server, and what is as the server has it', () => {
    const usual = {
      chooses_id: true,
      id_letters: false,
      id_length: 9,
      access: 'public',
      waiting_room: 'guests',
      uninvited: true,
      muted_on_entry: true,
      camera_off_on_entry: false,
      guests: { chat: true, audio: false, video: true },
    } as const;
    const before = valuesOf(undefined, usual);
    expect(before).toMatchObject({
      id_by: 'made_up',
      access: 'public',
      waiting_room: 'guests',
      muted_on_entry: true,
    });
    const values = { ...before, cid: 'review', name: 'Review' };
    expect(newOf(values, before)).toEqual({ name: 'Review', description: '', access: 'public' });
    expect(newOf({ ...values, muted_on_entry: false }, before)).toMatchObject({
      settings: { muted_on_entry: false },
    });
  });

  it('sends changes, and what is taken away as empty', () => {
    const before = {
      ...valuesOf(),
      id_by: 'stays' as const,
      cid: 'review',
      name: 'Review',
      pin: '4711',
      moderators: ['bob'],
    };
    expect(patchOf(before, before)).toBeNull();
    expect(patchOf({ ...before, name: 'Other' }, before)).toEqual({ name: 'Other' });
    expect(patchOf({ ...before, id_by: 'own', cid: 'weekly ' }, before)).toEqual({ cid: 'weekly' });
    expect(patchOf({ ...before, id_by: 'own' }, before)).toBeNull();
    expect(patchOf({ ...before, id_by: 'made_up' }, before)).toEqual({ cid: '' });
    expect(patchOf({ ...before, pin: '', moderators: [] }, before)).toEqual({
      settings: { pin: '', moderators: [] },
    });
  });

  it('says when it takes place only where it is scheduled', () => {
    const values = {
      ...valuesOf(),
      id_by: 'stays' as const,
      cid: 'review',
      name: 'Review',
      date: '2027-03-01',
      time: '09:30',
    };
    expect(newOf({ ...values, launch: 'by_hand' })).toMatchObject({ launch: 'by_hand' });
    expect(newOf({ ...values, launch: 'by_hand' })).not.toHaveProperty('schedule');
    const weekly = {
      ...values,
      launch: 'scheduled' as const,
      zone: 'Europe/Paris',
      weekdays: ['monday' as const],
      ends: 'count' as const,
      until: '2027-06-01',
      duration_minutes: 0,
    };
    const schedule = {
      date: '2027-03-01',
      time: '09:30',
      zone: 'Europe/Paris',
      duration_minutes: null,
      weekdays: ['monday'],
      until: null,
      count: 10,
    };
    expect(newOf(weekly)).toMatchObject({ launch: 'scheduled', schedule });
    expect(patchOf(weekly, weekly)).toBeNull();
    expect(patchOf({ ...weekly, time: '10:00' }, weekly)).toEqual({
      launch: 'scheduled',
      schedule: { ...schedule, time: '10:00' },
    });
    expect(patchOf({ ...weekly, launch: 'virtual_room' }, weekly)).toEqual({ launch: 'virtual_room' });
    expect(patchOf({ ...values, time: '11:00' }, values)).toBeNull();
  });

  it('begins at the next full hour', () => {
    expect(nextHour(new Date(2027, 11, 31, 23, 5))).toEqual({ date: '2028-01-01', time: '00:00' });
  });

  it('makes addresses of names, and PINs', () => {
    expect(cidFrom('Réunion de l’équipe 7!')).toBe('reunion-de-l-equipe-7');
    expect(randomPin()).toMatch(/^[0-9]{6}$/);
  });
});
