import { Button, Card, FileButton, Group, Stack, Text } from '@mantine/core';
import { IconPhoto, IconTrash } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { calls } from '../api/calls';
import { Problem } from '../api/problem';
import type { Profile } from '../api/types';
import { NoticeSwitch } from '../calling/NoticeSwitch';
import { ChangesBar } from '../ui/ChangesBar';
import { Face } from '../ui/Face';
import { tell, tellProblem } from '../ui/notify';
import { Page } from '../ui/Page';
import { looksLikeEmail, ProfileFields } from '../ui/ProfileFields';
import { fieldErrors, textOf } from '../ui/text';
import { useDraft } from '../ui/useDraft';
import { useMe } from '../ui/useMe';
import { profileOf } from './profileOf';

export function ProfilePage() {
  const { t } = useTranslation();
  const me = useMe();
  const cache = useQueryClient();
  const draft = useDraft<Profile>(profileOf(me));
  const save = useMutation({
    mutationFn: () => calls.updateMe(draft.patch, draft.match),
    onSuccess: (now) => {
      cache.setQueryData(['me'], now);
      draft.reset();
      tell(t('profile.saved'));
    },
    onError: (error) => {
      if (error instanceof Problem && error.code === 'stale')
        void cache.invalidateQueries({ queryKey: ['me'] });
      else if (!(error instanceof Problem && error.fields.length > 0)) tellProblem(error);
    },
  });
  return (
    <Page narrow title={t('nav.profile')} purpose={t('profile.purpose')}>
      <Picture />
      <NoticeSwitch />
      <ProfileFields value={draft.value} set={draft.set} errors={fieldErrors(save.error)} />
      <ChangesBar
        draft={draft}
        label={(field) => textOf(`field.${field}`, field)}
        show={(_, value) => String(value || '') || t('value.none')}
        save={() => save.mutate()}
        saving={save.isPending}
        blocked={!looksLikeEmail(draft.value.email) || !draft.value.display_name.trim()}
      />
    </Page>
  );
}

const LARGEST = 256 * 1024;

function Picture() {
  const { t } = useTranslation();
  const me = useMe();
  const cache = useQueryClient();
  const change = useMutation({
    mutationFn: (file: File | null) => (file ? calls.putMyAvatar(file) : calls.deleteMyAvatar()),
    onSuccess: () =>
      Promise.all([
        cache.invalidateQueries({ queryKey: ['me'] }),
        cache.resetQueries({ queryKey: ['avatar', me.id] }),
      ]),
    onError: tellProblem,
  });
  const choose = (file: File | null) => {
    if (!file) return;
    if (file.size > LARGEST) tellProblem(new Problem('avatar-too-large', 413));
    else change.mutate(file);
  };
  return (
    <Card withBorder mb="md">
      <Group gap="md">
        <Face
          name={me.display_name}
          size={72}
          picture={me.has_avatar ? { key: [me.id, me.revision], load: calls.myAvatar } : undefined}
        />
        <Stack gap={6}>
          <Group gap="xs">
            <FileButton accept="image/png,image/jpeg,image/webp" onChange={choose}>
              {(props) => (
                <Button
                  {...props}
                  size="xs"
                  variant="default"
                  leftSection={<IconPhoto size={14} />}
                  loading={change.isPending}
                >
                  {t('profile.choosePicture')}
                </Button>
              )}
            </FileButton>
            {me.has_avatar && (
              <Button
                size="xs"
                variant="default"
                leftSection={<IconTrash size={14} />}
                onClick={() => change.mutate(null)}
              >
                {t('profile.removePicture')}
              </Button>
            )}
          </Group>
          <Text size="xs" c="dimmed">
            {t('profile.pictureHint')}
          </Text>
        </Stack>
      </Group>
    </Card>
  );
}
