import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { calls } from '../api/calls';
import type { Call } from '../api/types';
import { roomAway } from './callText';
import { tellProblem, tellWarning } from '../ui/notify';

/** Calls somebody, and goes to where one meets them; what is a conference is entered. */
export function useCall() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const cache = useQueryClient();
  const [busy, setBusy] = useState(false);
  /** Why it rings nowhere. */
  const whyNot = (outcome: Call['outcome'], name: string, id: string) => {
    switch (outcome) {
      case 'busy':
        return t('call.busy', { name });
      case 'nobody':
        return t('call.nobodyThere', { id });
      case 'unreached':
        return t('call.unreachedThere', { name });
      case 'not_allowed':
        return t('call.notAllowedThere', { name });
      default:
        return t('call.unreachable', { name });
    }
  };
  const dial = async (to: string) => {
    const { conference } = await calls.resolve(to);
    const room = conference ?? roomAway(to);
    if (room) return navigate({ to: '/m/$cid', params: { cid: room } });
    const { enter, state, outcome, with: other } = await calls.beginCall(to);
    void cache.invalidateQueries({ queryKey: ['calls'] });
    if (outcome === 'conference') return navigate({ to: '/m/$cid', params: { cid: enter } });
    if (state === 'over') tellWarning(whyNot(outcome, other.display_name, other.id));
    else await navigate({ to: '/m/$cid', params: { cid: enter }, search: { now: true } });
  };
  const call = async (to: string) => {
    setBusy(true);
    try {
      await dial(to);
    } catch (error) {
      tellProblem(error);
    } finally {
      setBusy(false);
    }
  };
  return { call, busy };
}
