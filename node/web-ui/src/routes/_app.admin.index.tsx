import { createFileRoute } from '@tanstack/react-router';
import { SummaryPage } from '../admin/SummaryPage';

export const Route = createFileRoute('/_app/admin/')({ component: SummaryPage });
