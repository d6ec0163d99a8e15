import { createFileRoute } from '@tanstack/react-router';
import { ManagerPage } from '../admin/ManagerPage';

export const Route = createFileRoute('/_app/admin/license-manager')({ component: ManagerPage });
