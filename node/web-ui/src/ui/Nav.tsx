import { Badge, NavLink, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useMatchRoute } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { queries } from '../api/queries';
import { accountPages, adminPages } from './pages';
import { useAdministers } from './useMe';

export function Nav() {
  const { t } = useTranslation();
  const admin = useAdministers();
  return (
    <Stack gap="lg">
      <Section label={t('nav.account')} pages={accountPages} />
      {admin && <AdminSection />}
    </Stack>
  );
}

function AdminSection() {
  const { t } = useTranslation();
  const { data } = useQuery({ ...queries.cluster(), refetchInterval: 15_000 });
  const problems = data?.problems ?? [];
  const licence = useQuery({ ...queries.licence(), refetchInterval: 300_000 });
  const ending = licence.data?.files.filter((file) => file.warning || file.idle).length ?? 0;
  const critical = problems.some((problem) => problem.severity === 'critical');
  return (
    <Section
      label={t('nav.admin')}
      pages={adminPages}
      counts={{ '/admin': problems.length, '/admin/licence': ending }}
      tone={critical ? 'bad' : 'warn'}
    />
  );
}

interface Props {
  label: string;
  pages: typeof accountPages | typeof adminPages;
  counts?: Record<string, number>;
  tone?: 'bad' | 'warn';
}

function Section({ label, pages, counts = {}, tone = 'warn' }: Props) {
  const { t } = useTranslation();
  const match = useMatchRoute();
  return (
    <div role="group" aria-label={label}>
      <Text size="xs" fw={600} c="dimmed" px="sm" mb={4} aria-hidden>
        {label}
      </Text>
      {pages.map(({ to, key, Icon }) => {
        const on = !!match({ to, fuzzy: to !== '/admin' });
        const count = counts[to] ?? 0;
        return (
          <NavLink
            key={to}
            renderRoot={(props) => (
              <Link to={to} activeOptions={{ exact: to === '/admin', includeSearch: false }} {...props} />
            )}
            active={on}
            label={t(key)}
            leftSection={<Icon size={18} aria-hidden />}
            rightSection={
              count > 0 && (
                <Badge
                  size="sm"
                  bg={`var(--plenary-${tone})`}
                  c="var(--mantine-color-body)"
                  aria-label={t('nav.attention', { count })}
                >
                  {count}
                </Badge>
              )
            }
            styles={{ root: { borderRadius: 8 } }}
          />
        );
      })}
    </div>
  );
}
