import {
  Alert,
  Anchor,
  Box,
  Button,
  Group,
  Paper,
  PasswordInput,
  Stack,
  Text,
  TextInput,
  Title,
} from '@mantine/core';
import { useForm } from '@mantine/form';
import { useDocumentTitle } from '@mantine/hooks';
import { IconAlertTriangle, IconInfoCircle, IconLogin2 } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, getRouteApi, useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { calls } from '../api/calls';
import { queries } from '../api/queries';
import { session } from '../api/session';
import { Logo } from '../guest/Logo';
import { SmallPrint } from '../guest/SmallPrint';
import { Brand } from '../ui/Brand';
import { linked } from '../ui/linked';
import { LanguageSelect, SchemeSwitch } from '../ui/Preferences';
import { problemText } from '../ui/text';
import classes from './FrontPage.module.css';
import { JoinById } from './JoinById';

const route = getRouteApi('/');

/** What strangers see: whose server this is, and the way in. */
export function FrontPage() {
  const { t } = useTranslation();
  const server = useQuery(queries.server());
  const title = server.data?.title || server.data?.name || 'Plenary';
  const { next } = route.useSearch();
  useDocumentTitle(title);
  return (
    <Box className={classes.ground}>
      <Group component="header" justify="space-between" p="md">
        <Brand name="Plenary" />
        <Group gap="xs">
          <LanguageSelect />
          <SchemeSwitch />
        </Group>
      </Group>
      <main className={classes.main}>
        <Stack gap={4} ta="center" align="center" mb="lg">
          <Logo height={72} />
          <Title order={1}>{title}</Title>
          {server.data && title !== server.data.name && (
            <Text size="sm" c="dimmed">
              {server.data.name}
            </Text>
          )}
        </Stack>
        <Paper withBorder p={{ base: 'md', xs: 'xl' }} radius="lg" className={classes.card}>
          <Stack gap="md">
            <Title order={2}>{t('front.signIn')}</Title>
            {next && (
              <Text size="sm" c="dimmed">
                {t('front.next')}
              </Text>
            )}
            <SignIn />
          </Stack>
        </Paper>
        <Paper withBorder p={{ base: 'md', xs: 'xl' }} mt="md" radius="lg" className={classes.card}>
          <JoinById label={t('join.guest')} />
        </Paper>
        <Help text={server.data?.help} failed={server.error} />
      </main>
      <Box component="footer" p="md">
        <SmallPrint />
        {server.data?.administration && (
          <Text size="xs" ta="center" mt={4}>
            <Anchor
              inherit
              underline="always"
              renderRoot={(props) => <Link to="/" search={{ next: '/admin' }} {...props} />}
            >
              {t('front.administration')}
            </Anchor>
          </Text>
        )}
        <Text size="xs" c="dimmed" ta="center" mt={4}>
          {server.data ? t('front.version', { version: server.data.version }) : ' '}
        </Text>
      </Box>
    </Box>
  );
}

function SignIn() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const cache = useQueryClient();
  const { next } = route.useSearch();
  const form = useForm({
    initialValues: { login: '', password: '' },
    validate: {
      login: (value) => (value.trim() ? null : t('front.loginMissing')),
      password: (value) => (value ? null : t('front.passwordMissing')),
    },
  });
  const signIn = useMutation({
    mutationFn: (values: typeof form.values) => calls.signIn(values.login.trim(), values.password),
    onSuccess: async ({ token, expires_at, user }) => {
      cache.setQueryData(['me'], user);
      session.start(token, expires_at);
      await navigate({ href: next ?? (user.administration ? '/admin' : '/home'), replace: true });
    },
    onError: () => form.setFieldValue('password', ''),
  });
  return (
    <form noValidate onSubmit={form.onSubmit((values) => signIn.mutate(values))}>
      <Stack gap="md">
        {signIn.error && (
          <Alert color="red" icon={<IconAlertTriangle />} role="alert">
            {problemText(signIn.error)}
          </Alert>
        )}
        <TextInput
          label={t('front.login')}
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          autoFocus
          size="md"
          {...form.getInputProps('login')}
        />
        <PasswordInput
          label={t('front.password')}
          autoComplete="current-password"
          size="md"
          visibilityToggleButtonProps={{ 'aria-label': t('front.showPassword') }}
          {...form.getInputProps('password')}
        />
        <Button type="submit" size="md" loading={signIn.isPending} leftSection={<IconLogin2 size={18} />}>
          {t('front.signInAction')}
        </Button>
      </Stack>
    </form>
  );
}

function Help({ text, failed }: { text?: string; failed: unknown }) {
  const { t } = useTranslation();
  if (failed) {
    return (
      <Alert
        color="yellow"
        mt="md"
        maw={420}
        w="100%"
        icon={<IconAlertTriangle />}
        title={t('state.offline')}
      >
        {problemText(failed)}
      </Alert>
    );
  }
  if (!text) return null;
  return (
    <Group gap="xs" mt="lg" wrap="nowrap" align="flex-start" maw={420} w="100%">
      <IconInfoCircle size={18} aria-hidden style={{ flex: 'none', marginTop: 2 }} />
      <Text size="sm" c="dimmed" style={{ whiteSpace: 'pre-line' }}>
        {linked(text)}
      </Text>
    </Group>
  );
}
