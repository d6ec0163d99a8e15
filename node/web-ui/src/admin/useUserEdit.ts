import { useMutation, useQueryClient } from '@tanstack/react-query';
import { calls } from '../api/calls';
import { Problem } from '../api/problem';
import { queries } from '../api/queries';
import type { User, UserPatch } from '../api/types';
import { tell, tellProblem } from '../ui/notify';
import { useAdminText } from '../ui/text';
import type { Draft } from '../ui/useDraft';

/** Saves a draft of an account on the revision it was made on. */
export function useUserEdit<T extends object>(user: User, draft: Draft<T>) {
  const { t } = useAdminText();
  const cache = useQueryClient();
  return useMutation({
    mutationFn: () => calls.updateUser(user.id, draft.patch as UserPatch, draft.match),
    onSuccess: async (now) => {
      cache.setQueryData(queries.user(user.id).queryKey, now);
      draft.reset();
      tell(t('user.saved', { name: now.display_name }));
      await cache.invalidateQueries({ queryKey: ['users', 'list'] });
    },
    onError: (error) => {
      // Read again what it is now; the bar then shows both and asks.
      if (error instanceof Problem && error.code === 'stale') {
        void cache.invalidateQueries({ queryKey: queries.user(user.id).queryKey });
      } else if (!(error instanceof Problem && error.fields.length > 0)) tellProblem(error);
    },
  });
}
