import { createFileRoute } from '@tanstack/react-router';
import { DirectoryPage } from '../admin/DirectoryPage';

export const Route = createFileRoute('/_app/admin/directory')({ component: DirectoryPage });
