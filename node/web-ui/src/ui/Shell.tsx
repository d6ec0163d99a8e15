import {
  ActionIcon,
  AppShell,
  Burger,
  Button,
  Divider,
  Group,
  Kbd,
  NavLink,
  Popover,
  Text,
  UnstyledButton,
} from '@mantine/core';
import { useDisclosure, useHotkeys } from '@mantine/hooks';
import { IconChevronDown, IconLogout, IconSearch, IconUser } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, Outlet, useNavigate, useRouter, useRouterState } from '@tanstack/react-router';
import { lazy, Suspense, useContext, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { calls } from '../api/calls';
import { queries } from '../api/queries';
import { session } from '../api/session';
import { Ringing } from '../calling/Ringing';
import { LiveContext, LiveState } from '../live/LiveState';
import { NoOnlineSeat } from '../live/NoOnlineSeat';
import { Brand } from './Brand';
import { Face } from './Face';
import { Nav } from './Nav';
import { LanguageSelect, SchemeSwitch } from './Preferences';
import classes from './Shell.module.css';
import { ErrorState, Loading } from './States';
import { TaskList } from './TaskList';
import { useMe } from './useMe';
import { loadPalette, warm } from './warm';

const Palette = lazy(loadPalette);

/** Frame of all pages of somebody who is signed in: head, navigation, page. */
export function Shell() {
  const { t } = useTranslation();
  const me = useQuery(queries.me());
  const live = useContext(LiveContext)!;
  const [menu, { toggle, close }] = useDisclosure(false);
  const path = useRouterState({ select: (state) => state.location.pathname });
  useEffect(() => close(), [path, close]);
  useEffect(() => {
    if (me.data) live.start(me.data);
  }, [live, me.data]);
  const router = useRouter();
  const administers = me.data?.administration;
  const [warmed, setWarmed] = useState(false);
  useEffect(
    () => (administers === undefined ? undefined : warm(router, administers, () => setWarmed(true))),
    [router, administers],
  );

  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 232, breakpoint: 'sm', collapsed: { mobile: !menu } }}
      padding={{ base: 'sm', sm: 'lg' }}
      transitionDuration={120}
      data-warm={warmed || undefined}
    >
      {me.data && <Ringing />}
      <a className="skip" href="#main">
        {t('skip')}
      </a>
      <AppShell.Header className={classes.bar}>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap" gap="sm">
          <Group gap="sm" wrap="nowrap" miw={0}>
            <Burger
              opened={menu}
              onClick={toggle}
              hiddenFrom="sm"
              size="sm"
              aria-label={t(menu ? 'nav.close' : 'nav.open')}
              aria-expanded={menu}
            />
            <Link to="/home" className={classes.home}>
              <Brand name={me.data?.server ?? 'Plenary'} />
            </Link>
          </Group>
          <Group gap="sm" wrap="nowrap">
            {me.data && <TaskList />}
            {me.data && <LiveState />}
            {me.data && <SearchButton />}
            {me.data && <AccountMenu />}
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar component="nav" aria-label={t('nav.label')} className={classes.nav}>
        {me.data && <Nav />}
      </AppShell.Navbar>
      <AppShell.Main component="main" id="main" tabIndex={-1} className={classes.main}>
        {me.data ? (
          <Suspense fallback={<Loading />}>
            <NoOnlineSeat />
            <Outlet />
          </Suspense>
        ) : me.error ? (
          <ErrorState error={me.error} retry={() => void me.refetch()} />
        ) : (
          <Loading />
        )}
      </AppShell.Main>
    </AppShell>
  );
}

function SearchButton() {
  const { t } = useTranslation();
  const [wanted, setWanted] = useState(0);
  const open = () => setWanted((count) => count + 1);
  useHotkeys([['mod+K', open]], []);
  return (
    <>
      <Button
        variant="default"
        size="xs"
        visibleFrom="sm"
        leftSection={<IconSearch size={14} aria-hidden />}
        rightSection={<Kbd size="xs">{t('search.shortcut')}</Kbd>}
        onClick={open}
      >
        {t('search.button')}
      </Button>
      <ActionIcon variant="default" size="lg" hiddenFrom="sm" aria-label={t('search.button')} onClick={open}>
        <IconSearch size={18} />
      </ActionIcon>
      {wanted > 0 && (
        <Suspense>
          <Palette wanted={wanted} />
        </Suspense>
      )}
    </>
  );
}

function AccountMenu() {
  const { t } = useTranslation();
  const me = useMe();
  const cache = useQueryClient();
  const navigate = useNavigate();
  const [opened, setOpened] = useState(false);
  const signOut = async () => {
    // Signed out here in any case; a node that cannot be reached learns it when the token expires.
    await calls.signOut().catch(() => undefined);
    session.end();
    cache.clear();
    await navigate({ to: '/' });
  };
  return (
    <Popover
      opened={opened}
      onChange={setOpened}
      position="bottom-end"
      width={260}
      transitionProps={{ duration: 80 }}
      trapFocus
      returnFocus
      shadow="md"
    >
      <Popover.Target>
        <UnstyledButton
          className={classes.account}
          aria-label={t('account.menu', { name: me.display_name })}
          onClick={() => setOpened(!opened)}
        >
          <Face
            name={me.display_name}
            size={32}
            picture={me.has_avatar ? { key: [me.id, me.revision], load: calls.myAvatar } : undefined}
          />
          <Text size="sm" visibleFrom="md" maw={160} truncate>
            {me.display_name}
          </Text>
          <IconChevronDown size={14} aria-hidden />
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown p={4} aria-label={t('account.menu', { name: me.display_name })}>
        <Text size="xs" c="dimmed" px="sm" py={6} truncate>
          {me.user_id}
        </Text>
        <NavLink
          className={classes.item}
          label={t('nav.profile')}
          leftSection={<IconUser size={16} aria-hidden />}
          onClick={() => setOpened(false)}
          renderRoot={(props) => <Link to="/profile" {...props} />}
        />
        <NavLink
          className={classes.item}
          component="button"
          label={t('account.signOut')}
          leftSection={<IconLogout size={16} aria-hidden />}
          onClick={() => void signOut()}
        />
        <Divider my={4} />
        <Group justify="space-between" gap="xs" wrap="nowrap" p="xs">
          <LanguageSelect />
          <SchemeSwitch />
        </Group>
      </Popover.Dropdown>
    </Popover>
  );
}
