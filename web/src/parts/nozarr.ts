/** Stands in for the Zarr reader NiiVue can use: this page shows one scan of its own server and never reads Zarr. */

export {};
