import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { calls } from '../api/calls';
import { session } from '../api/session';
import type { Looked } from '../api/types';
import { whereTo } from './whereTo';

const cid = '111@oslo.example.net';
const look = (looked: Partial<Looked>) =>
  vi.spyOn(calls, 'look').mockResolvedValue({ id: cid, ...looked } as Looked);

beforeEach(() => void vi.spyOn(session, 'token').mockReturnValue('token'));
afterEach(() => void vi.restoreAllMocks());

describe('where one goes by an ID of another server', () => {
  it('an alias leads to the conference that it stands for', async () => {
    look({ kind: 'conference', conference: 'review@oslo.example.net' });
    expect(await whereTo(cid, cid)).toEqual({ cid: 'review@oslo.example.net' });
  });

  it('people and groups are told', async () => {
    look({ kind: 'person', person: { display_name: 'Demo Two' } as Looked['person'] });
    expect(await whereTo(cid, cid)).toEqual({ person: 'Demo Two' });
    look({ kind: 'group' });
    expect(await whereTo(cid, cid)).toEqual({ person: null });
  });

  it('what is not known is tried as a conference', async () => {
    look({ kind: 'nothing', conference: null });
    expect(await whereTo(cid, cid)).toEqual({ cid });
    look({ kind: 'unknown', conference: null });
    expect(await whereTo(cid, cid)).toEqual({ cid });
    vi.spyOn(calls, 'look').mockRejectedValue(new Error('not signed in'));
    expect(await whereTo(cid, cid)).toEqual({ cid });
  });

  it('nobody is asked about own conferences and call strings of conferences', async () => {
    const asked = look({ kind: 'person' });
    const owner = vi.spyOn(calls, 'pagesOwner').mockResolvedValue({ server: 'lyon.example.org' });
    for (const [typed, to] of [
      ['review', 'review'],
      ['\\c\\review@oslo.example.net', 'review@oslo.example.net'],
      ['https://paris.example.com/m/review%40oslo.example.net', 'review@oslo.example.net'],
    ] as const)
      expect(await whereTo(typed, to)).toEqual({ cid: to });
    expect(asked).not.toHaveBeenCalled();
    expect(owner).not.toHaveBeenCalled();
  });

  it('a link leads to the server whose pages it is of', async () => {
    const owner = vi.spyOn(calls, 'pagesOwner').mockResolvedValue({ server: 'oslo.example.net' });
    const link = 'https://Meet.oslo.example.net:8443/m/Review?lang=fr';
    const typed = 'review@meet.oslo.example.net';
    expect(await whereTo(link, typed)).toEqual({ cid: 'review@oslo.example.net' });
    expect(owner).toHaveBeenCalledWith('https://meet.oslo.example.net:8443');
    owner.mockResolvedValue({ server: null });
    expect(await whereTo(link, typed)).toEqual({ cid: typed });
    owner.mockRejectedValue(new Error('away'));
    expect(await whereTo(link, typed)).toEqual({ cid: typed });
  });

  it('guests go where they said', async () => {
    const asked = look({ kind: 'person' });
    const owner = vi.spyOn(calls, 'pagesOwner').mockResolvedValue({ server: null });
    vi.spyOn(session, 'token').mockReturnValue(null);
    expect(await whereTo(cid, cid)).toEqual({ cid });
    expect(await whereTo('https://oslo.example.net/m/111', cid)).toEqual({ cid });
    expect(owner).not.toHaveBeenCalled();
    expect(asked).not.toHaveBeenCalled();
  });
});
