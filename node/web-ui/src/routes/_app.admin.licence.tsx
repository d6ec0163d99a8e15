import { createFileRoute } from '@tanstack/react-router';
import { LicencePage } from '../admin/LicencePage';
import { seatLists } from '../admin/SeatHolders';
import { oneOf, optional, text } from '../ui/searchParams';

export const Route = createFileRoute('/_app/admin/licence')({
  validateSearch: (search: Record<string, unknown>) =>
    optional({
      list: oneOf(search.list, seatLists),
      search: text(search.search),
    }),
  component: LicencePage,
});
