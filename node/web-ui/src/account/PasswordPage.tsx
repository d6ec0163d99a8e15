import { Alert, Button, Card, Group, PasswordInput, Stack } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { calls } from '../api/calls';
import { Problem } from '../api/problem';
import { queries } from '../api/queries';
import { NewPassword } from '../ui/NewPassword';
import { tell } from '../ui/notify';
import { Page } from '../ui/Page';
import { meets } from '../ui/policy';
import { problemText } from '../ui/text';
import { useMe } from '../ui/useMe';

export function PasswordPage() {
  const { t } = useTranslation();
  const me = useMe();
  const cache = useQueryClient();
  const policy = useQuery(queries.passwordPolicy());
  const [old, setOld] = useState('');
  const [next, setNext] = useState('');
  const [again, setAgain] = useState('');
  const change = useMutation({
    mutationFn: () => calls.changePassword(old, next),
    onSuccess: () => {
      setOld('');
      setNext('');
      setAgain('');
      tell(t('password.changed'));
      void cache.invalidateQueries({ queryKey: ['sessions'] });
    },
  });
  const wrongOld = change.error instanceof Problem && change.error.code === 'wrong-credentials';
  const differs = again !== '' && !next.startsWith(again) && again !== next;
  const ready = old !== '' && meets(policy.data, next) && next === again;
  return (
    <Page narrow title={t('password.title')} purpose={t('password.purpose')}>
      <Card withBorder maw={480}>
        <form
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            if (ready) change.mutate();
          }}
        >
          <Stack gap="md">
            {change.error && !wrongOld && (
              <Alert color="red" role="alert" icon={<IconAlertTriangle />}>
                {problemText(change.error)}
              </Alert>
            )}
            <input type="hidden" autoComplete="username" value={me.id} readOnly />
            <PasswordInput
              label={t('password.old')}
              autoComplete="current-password"
              visibilityToggleButtonProps={{ 'aria-label': t('front.showPassword') }}
              value={old}
              error={wrongOld ? t('password.wrongOld') : undefined}
              onChange={(event) => setOld(event.currentTarget.value)}
            />
            <NewPassword label={t('password.new')} value={next} onChange={setNext} />
            <PasswordInput
              label={t('password.again')}
              autoComplete="new-password"
              visibilityToggleButtonProps={{ 'aria-label': t('front.showPassword') }}
              value={again}
              error={differs ? t('password.differs') : undefined}
              onChange={(event) => setAgain(event.currentTarget.value)}
            />
            <Group>
              <Button type="submit" disabled={!ready} loading={change.isPending}>
                {t('password.action')}
              </Button>
            </Group>
          </Stack>
        </form>
      </Card>
    </Page>
  );
}
