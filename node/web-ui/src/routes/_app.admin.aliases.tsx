import { createFileRoute } from '@tanstack/react-router';
import { AliasesPage } from '../admin/AliasesPage';
import { optional, text } from '../ui/searchParams';

export const Route = createFileRoute('/_app/admin/aliases')({
  validateSearch: (search: Record<string, unknown>) =>
    optional({
      search: text(search.search),
      sort: text(search.sort),
    }),
  component: AliasesPage,
});
