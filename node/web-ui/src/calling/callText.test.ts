import { describe, expect, it } from 'vitest';
import { idOf, lasted, leadsTo, missed, roomAway } from './callText';

describe('a call', () => {
  it('is missed by who was called and never by who called', () => {
    for (const outcome of ['missed', 'cancelled', 'busy', 'unreachable'] as const) {
      expect(missed({ direction: 'incoming', outcome })).toBe(true);
      expect(missed({ direction: 'outgoing', outcome })).toBe(false);
    }
    for (const outcome of ['talked', 'declined', 'widened'] as const) {
      expect(missed({ direction: 'incoming', outcome })).toBe(false);
    }
  });

  it('lasted as long as people say', () => {
    const of = (seconds: number) => {
      const from = '2030-01-31T12:00:00.000Z';
      const to = new Date(Date.parse(from) + seconds * 1_000).toISOString();
      return lasted({ answered_at: from, ended_at: to }, 'en');
    };
    expect(of(0)).toBe('1 sec');
    expect(of(65)).toBe('1 min 5 sec');
    expect(of(120)).toBe('2 min');
    expect(of(3_725)).toBe('1 hr 2 min');
  });

  it('of another server is told by the ID', () => {
    const of = (id: string, display_name: string) => idOf({ with: { id, display_name } });
    expect(of('demo2@oslo.example.net', 'Demo One')).toBe('demo2@oslo.example.net');
    expect(of('demo2@oslo.example.net', 'demo2@oslo.example.net')).toBeNull();
    expect(of('demo2', 'Demo Two')).toBeNull();
  });

  it('is found by the room that it leads to', () => {
    const room = 'call-1@oslo.example.net';
    expect(leadsTo({ enter: room, into: null }, room)).toBe(true);
    expect(leadsTo({ enter: 'call-1', into: null }, room)).toBe(false);
    const into = { cid: room, name: 'Review', scheduled: false };
    expect(leadsTo({ enter: room, into }, room)).toBe(false);
  });

  it('of a conference elsewhere leads there', () => {
    expect(roomAway('\\c\\Review@oslo.example.net')).toBe('review@oslo.example.net');
    expect(roomAway('\\c\\review')).toBeNull();
    expect(roomAway('demo2@oslo.example.net')).toBeNull();
  });
});
