import { createFileRoute } from '@tanstack/react-router';
import { SettingsPage } from '../admin/SettingsPage';

export const Route = createFileRoute('/_app/admin/settings')({ component: SettingsPage });
