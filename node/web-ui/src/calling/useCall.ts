import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { calls } from '../api/calls';
import { tellProblem, tellWarning } from '../ui/notify';

/** Calls somebody, and goes to where one meets them; what is a conference is entered. */
export function useCall() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const cache = useQueryClient();
  const [busy, setBusy] = useState(false);
  const dial = async (to: string) => {
    const { conference, elsewhere } = await calls.resolve(to);
    if (conference) return navigate({ to: '/m/$cid', params: { cid: conference } });
    if (elsewhere) return tellWarning(t('call.elsewhereServer', { server: elsewhere }));
    const { cid, state, outcome, with: other } = await calls.beginCall(to);
    void cache.invalidateQueries({ queryKey: ['calls'] });
    const name = other.display_name;
    if (state === 'over') tellWarning(t(outcome === 'busy' ? 'call.busy' : 'call.unreachable', { name }));
    else await navigate({ to: '/m/$cid', params: { cid }, search: { now: true } });
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
