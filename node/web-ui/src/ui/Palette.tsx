import { Spotlight, spotlight } from '@mantine/spotlight';
import { useDebouncedValue } from '@mantine/hooks';
import { IconSearch, IconSettings, IconUser } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { queries } from '../api/queries';
import { settingsIndex } from '../admin/settingsIndex';
import { accountInner, accountPages, adminInner, adminPages } from './pages';
import { textOf } from './text';
import { useAdministers } from './useMe';

interface Found {
  id: string;
  label: string;
  hint?: string;
  icon: ReactNode;
  go: () => void;
}

const fold = (text: string) => text.normalize('NFD').replace(/\p{M}/gu, '').toLocaleLowerCase();

/** The list is a scroll area, which its types do not say: the keyboard has to reach what scrolls. */
const scrolled: object = { viewportProps: { tabIndex: 0 } };

/** Ctrl+K: finds pages, settings and people. */
export default function Palette({ wanted }: { wanted: number }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const admin = useAdministers();
  const [query, setQuery] = useState('');
  const [settled] = useDebouncedValue(query.trim(), 150);
  const people = useQuery({
    ...queries.usersOnce({ search: settled, limit: 8 }),
    enabled: admin && settled.length > 0,
  });
  useTranslation(admin ? 'admin' : 'common');
  useEffect(() => spotlight.open(), [wanted]);

  const has = (text: string) => fold(text).includes(fold(query.trim()));
  const own = [...accountPages, ...accountInner];
  const pages: Found[] = [...own, ...(admin ? [...adminPages, ...adminInner] : [])]
    .map(({ to, key, Icon }) => ({
      id: to,
      label: t(key),
      icon: <Icon size={18} />,
      go: () => void navigate({ to }),
    }))
    .filter((page) => has(page.label));
  const settings: Found[] = (admin && query.trim() ? settingsIndex : [])
    .map(({ section, field }) => ({
      id: `${section}.${field}`,
      label: textOf(`admin:setting.${section}.${field}`, field),
      hint: textOf(`admin:setting.${section}`, section),
      icon: <IconSettings size={18} />,
      go: () => void navigate({ to: '/admin/settings', hash: section }),
    }))
    .filter((found) => has(found.label) || has(found.hint));
  const users: Found[] = (settled && people.data ? people.data.items : []).map((user) => ({
    id: `user:${user.id}`,
    label: user.display_name,
    hint: user.id,
    icon: <IconUser size={18} />,
    go: () => void navigate({ to: '/admin/users/$id', params: { id: user.id } }),
  }));
  const sections: [string, Found[]][] = [
    [t('search.people'), users],
    [t('search.pages'), pages],
    [t('search.settings'), settings],
  ];
  const nothing = sections.every(([, found]) => found.length === 0);

  return (
    <Spotlight.Root
      query={query}
      onQueryChange={setQuery}
      shortcut={null}
      attributes={{ content: { 'aria-label': t('search.button') } }}
      transitionProps={{ duration: 80 }}
    >
      <Spotlight.Search
        placeholder={t(admin ? 'search.placeholderAdmin' : 'search.placeholder')}
        aria-label={t('search.button')}
        leftSection={<IconSearch size={18} aria-hidden />}
      />
      <Spotlight.ActionsList {...scrolled}>
        {nothing && <Spotlight.Empty>{t('search.nothing')}</Spotlight.Empty>}
        {sections.map(
          ([label, found]) =>
            found.length > 0 && (
              <Spotlight.ActionsGroup key={label} label={label}>
                {found.map((one) => (
                  <Spotlight.Action
                    key={one.id}
                    label={one.label}
                    description={one.hint}
                    leftSection={one.icon}
                    onClick={one.go}
                  />
                ))}
              </Spotlight.ActionsGroup>
            ),
        )}
      </Spotlight.ActionsList>
    </Spotlight.Root>
  );
}
