/** Whose host this is: the operators', or a tenant's. The server says so. */
export const isOperators: boolean = document.documentElement.dataset.audience === 'admin'
