import { Button, Group } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconAdjustmentsHorizontal, IconFilterOff } from '@tabler/icons-react';
import { Children, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import classes from './FilterBar.module.css';

interface Props<F> {
  search: ReactNode;
  /** What the filters beside the search say. */
  filters: F;
  set: (filters: Partial<F>) => void;
  children: ReactNode;
}

/** The search and the filters of a list; on phones the filters wait behind a button, so that rows come first. */
export function FilterBar<F extends object>({ search, filters, set, children }: Props<F>) {
  const { t } = useTranslation();
  const active = Object.values(filters).filter(Boolean).length;
  const clear = () =>
    set(Object.fromEntries(Object.keys(filters).map((name) => [name, undefined])) as Partial<F>);
  const [opened, { toggle }] = useDisclosure(false);
  return (
    <div className={classes.bar}>
      <Group gap="xs" wrap="nowrap" className={classes.first}>
        {search}
        <Button
          className={classes.toggle}
          variant="default"
          px="sm"
          leftSection={<IconAdjustmentsHorizontal size={16} aria-hidden />}
          aria-expanded={opened}
          onClick={toggle}
        >
          {active > 0 ? t('filter.active', { count: active }) : t('filter.toggle')}
        </Button>
      </Group>
      <div className={classes.rest} data-opened={opened || undefined}>
        {Children.toArray(children)}
        {active > 0 && (
          <Button
            variant="subtle"
            px="xs"
            leftSection={<IconFilterOff size={16} aria-hidden />}
            onClick={clear}
          >
            {t('filter.clear')}
          </Button>
        )}
      </div>
    </div>
  );
}
