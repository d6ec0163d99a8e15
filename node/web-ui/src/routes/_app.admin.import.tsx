import { createFileRoute } from '@tanstack/react-router';
import { ImportPage } from '../admin/ImportPage';

export const Route = createFileRoute('/_app/admin/import')({ component: ImportPage });
