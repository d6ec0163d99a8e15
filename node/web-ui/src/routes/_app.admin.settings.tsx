import { createFileRoute } from '@tanstack/react-router';
import { SettingsPage } from '../admin/SettingsPage';
import { optional, text } from '../ui/searchParams';

export const Route = createFileRoute('/_app/admin/settings')({
  validateSearch: (search: Record<string, unknown>) =>
    optional({
      /** A network that Border Controllers are to keep out, once that is saved. */
      deny: text(search.deny),
    }),
  component: SettingsPage,
});
