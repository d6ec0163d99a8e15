import { profileOf } from '../account/profileOf';
import type { Profile, User } from '../api/types';
import { ChangesBar } from '../ui/ChangesBar';
import { looksLikeEmail, ProfileFields } from '../ui/ProfileFields';
import { fieldErrors, textOf, useAdminText } from '../ui/text';
import { useDraft } from '../ui/useDraft';
import { useMayChange } from '../ui/useMe';
import { useUserEdit } from './useUserEdit';

export function UserProfile({ user }: { user: User }) {
  const { t } = useAdminText();
  const mayChange = useMayChange();
  const draft = useDraft<Profile>(profileOf(user));
  const save = useUserEdit(user, draft);
  return (
    <>
      <ProfileFields
        value={draft.value}
        set={draft.set}
        errors={fieldErrors(save.error)}
        readOnly={!mayChange}
      />
      <ChangesBar
        draft={draft}
        label={(field) => textOf(`field.${field}`, field)}
        show={(_, value) => String(value || '') || t('common:value.none')}
        save={() => save.mutate()}
        saving={save.isPending}
        blocked={!looksLikeEmail(draft.value.email)}
      />
    </>
  );
}
