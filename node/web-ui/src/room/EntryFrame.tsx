import { Box, Group } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from '@tanstack/react-router';
import { session } from '../api/session';
import { Logo } from '../guest/Logo';
import { SmallPrint } from '../guest/SmallPrint';
import { Brand } from '../ui/Brand';
import { LanguageSelect, SchemeSwitch } from '../ui/Preferences';
import classes from './PreJoin.module.css';

/** What surrounds a meeting's entrance: no navigation, nothing that leads away. */
export function EntryFrame({ children }: { children: ReactNode }) {
  return (
    <Box className={classes.ground}>
      <Group component="header" justify="space-between" px="md" py="sm" wrap="nowrap">
        <Link to="/" className={classes.home}>
          <Logo height={32} otherwise={<Brand name="Plenary" />} />
        </Link>
        <Group gap="xs" wrap="nowrap">
          <LanguageSelect />
          <SchemeSwitch />
        </Group>
      </Group>
      <main className={classes.main}>{children}</main>
      {session.token() === null && (
        <Box component="footer" px="md" pb="md">
          <SmallPrint />
        </Box>
      )}
    </Box>
  );
}
