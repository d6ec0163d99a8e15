import { createFileRoute } from '@tanstack/react-router';
import { ContactsPage } from '../account/ContactsPage';
import { optional, text } from '../ui/searchParams';

export const Route = createFileRoute('/_app/contacts')({
  validateSearch: (search: Record<string, unknown>) =>
    optional({
      search: text(search.search),
      group: text(search.group),
      /** The user whose sheet is open. */
      person: text(search.person),
    }),
  component: ContactsPage,
});
