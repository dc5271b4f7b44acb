/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file libfeature.hpp
 *
 * libfeature for C++17 and later: the C API with owners, types and spans, in
 * one header, with no dependency but libfeature.h and nothing to link but the
 * library.
 *
 *     feature::store store = feature::store::open("drivers");
 *     feature::query query = store.query("driver_stats(conv_rate, trips)",
 *                                        feature::query_options::matrix);
 *     feature::request request = query.request();
 *     std::vector<float> matrix(drivers.size() * query.matrix_width());
 *
 *     request.set_key("driver_id", drivers); // a std::vector<std::int64_t>
 *     request.read_matrix(matrix);           // allocates nothing
 *
 * Conventions, everywhere:
 *
 * - Names are those of the C API, with `_` turned into `::` after the first
 *   word and after the object: feature_store_open() is feature::store::open().
 *   What a call does, costs and may answer is written there, not here again.
 * - Two styles, call by call. `read()` throws ::feature::error. `try_read()` is
 *   noexcept and returns a ::feature::result, which has the value or the error
 *   in it. Without exceptions (`-fno-exceptions`) only the second is there.
 * - ::feature::store, ::feature::batch, ::feature::query, ::feature::request and
 *   ::feature::changes own their C object: they move, do not copy, and free what
 *   they hold. One that was moved from, or made by default, holds nothing; its calls answer
 *   INVALID. As in C, a query outlives its requests; moving it is fine.
 * - Everything that goes in is copied by the call. What comes out of a request,
 *   a batch or a change feed is a view: good until that object is used again or
 *   goes.
 * - Threads: a store and a query from any number at once, a batch, a request
 *   and a change feed from one at a time.
 * - Sequences are anything with data() and size() over one block of memory:
 *   std::vector, std::array, an array, std::span, ::feature::span. For all that
 *   is packed on the way, texts and std::optional among it, size() and
 *   operator[] are enough, which may return by value.
 * - Timestamps are std::int64_t microseconds since 1970-01-01 UTC, or
 *   ::feature::time_point.
 *
 * @since 0.1
 */
#ifndef LIBFEATURE_HPP
#define LIBFEATURE_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "libfeature.h"

#if defined(__cpp_lib_ranges) || __cplusplus > 201703L
#include <ranges>
#endif

#if defined(__cpp_exceptions) && !defined(LIBFEATURE_NO_EXCEPTIONS)
#define LIBFEATURE_EXCEPTIONS 1
#endif

namespace feature
{

/* --- codes ---------------------------------------------------------------- */

/** What a call that can fail answers: ::feature_status_code. @since 0.1 */
enum class status : std::int32_t {
    ok = FEATURE_OK,
    invalid = FEATURE_INVALID,
    not_found = FEATURE_NOT_FOUND,
    conflict = FEATURE_CONFLICT,
    busy = FEATURE_BUSY,
    gap = FEATURE_GAP,
    no_memory = FEATURE_NO_MEMORY,
    full = FEATURE_FULL,
    io = FEATURE_IO,
    corrupt = FEATURE_CORRUPT,
    version = FEATURE_VERSION,
    unsupported = FEATURE_UNSUPPORTED
};

/** What one view had to say about one row: ::feature_state. @since 0.1 */
enum class state : std::uint8_t {
    present = FEATURE_STATE_PRESENT,
    null = FEATURE_STATE_NULL,
    not_found = FEATURE_STATE_NOT_FOUND,
    outside_max_age = FEATURE_STATE_OUTSIDE_MAX_AGE,
    no_history = FEATURE_STATE_NO_HISTORY,
    no_key = FEATURE_STATE_NO_KEY,
    partial = FEATURE_STATE_PARTIAL
};

/** What became of a written row: ::feature_outcome. @since 0.1 */
enum class outcome : std::uint8_t {
    none = FEATURE_OUTCOME_NONE,
    applied = FEATURE_OUTCOME_APPLIED,
    late = FEATURE_OUTCOME_LATE,
    duplicate = FEATURE_OUTCOME_DUPLICATE,
    future = FEATURE_OUTCOME_FUTURE,
    rejected = FEATURE_OUTCOME_REJECTED
};

/** What a batch does with its rows: ::feature_operation. @since 0.1 */
enum class operation : std::int32_t {
    upsert = FEATURE_UPSERT,
    patch = FEATURE_PATCH,
    delete_ = FEATURE_DELETE, /**< `delete` is taken */
    event = FEATURE_EVENT,
    retract = FEATURE_RETRACT
};

/** The types of features and join keys: ::feature_type. @since 0.1 */
enum class type : std::int32_t {
    bool_ = FEATURE_TYPE_BOOL,
    int32 = FEATURE_TYPE_INT32,
    int64 = FEATURE_TYPE_INT64,
    float32 = FEATURE_TYPE_FLOAT32,
    float64 = FEATURE_TYPE_FLOAT64,
    string = FEATURE_TYPE_STRING,
    bytes = FEATURE_TYPE_BYTES,
    timestamp = FEATURE_TYPE_TIMESTAMP
};

/** What a field stands for: ::feature_role. @since 0.1 */
enum class role : std::int32_t {
    join_key = FEATURE_ROLE_JOIN_KEY,
    event_timestamp = FEATURE_ROLE_EVENT_TIMESTAMP,
    feature = FEATURE_ROLE_FEATURE,
    view = FEATURE_ROLE_VIEW,
    event_column = FEATURE_ROLE_EVENT_COLUMN
};

/** What a read serves for a cell without a value: ::feature_fill. @since 0.1 */
enum class fill : std::int32_t {
    defaults = FEATURE_FILL_DEFAULTS,
    nulls = FEATURE_FILL_NULLS,
    stale = FEATURE_FILL_STALE
};

/** How durable a commit is: ::feature_sync. @since 0.1 */
enum class sync : std::int32_t {
    full = FEATURE_SYNC_FULL,
    last_txn = FEATURE_SYNC_LAST_TXN
};

/** "OK", "INVALID", and so on. @since 0.1 */
inline std::string_view
name(status code) noexcept
{
    return feature_status_name(static_cast<feature_status>(code));
}

/** major x 10000 + minor x 100 + patch, of the library that runs. @since 0.1 */
inline std::uint32_t
version() noexcept
{
    return feature_version();
}

/* --- time ----------------------------------------------------------------- */

/** A timestamp as a point in time. @since 0.1 */
using time_point = std::chrono::time_point<std::chrono::system_clock,
                                           std::chrono::microseconds>;

/** Where a view has no row for a key, its event timestamp is this. @since 0.1 */
inline constexpr std::int64_t no_timestamp =
    std::numeric_limits<std::int64_t>::min();

/** A timestamp of libfeature as a point in time. @since 0.1 */
constexpr time_point
to_time_point(std::int64_t timestamp) noexcept
{
    return time_point(std::chrono::microseconds(timestamp));
}

/** A point in time as a timestamp of libfeature; finer ones are rounded down.
 *  @since 0.1 */
template <class Duration>
constexpr std::int64_t
to_timestamp(
    std::chrono::time_point<std::chrono::system_clock, Duration> time) noexcept
{
    return std::chrono::floor<std::chrono::microseconds>(
               time.time_since_epoch())
        .count();
}

/* --- errors and results --------------------------------------------------- */

/**
 * Why a call failed, and where: a ::feature_error that can be thrown.
 *
 * Copying one allocates nothing and cannot fail.
 *
 * @since 0.1
 */
class error : public std::exception
{
  public:
    explicit error(const ::feature_error &details) noexcept : details_(details)
    {
    }

    /** The answer of the call. */
    status code() const noexcept
    {
        return static_cast<status>(details_.status);
    }

    /** One word from an append-only list, for programs. */
    std::string_view reason() const noexcept { return details_.reason; }

    /** One sentence, for people. */
    const char *what() const noexcept override { return details_.message; }

    /** Batch, row, line and column, as far as they are known. */
    const ::feature_error &details() const noexcept { return details_; }

  private:
    ::feature_error details_;
};

/**
 * A value, or the error that stands in its place.
 *
 *     if (auto store = feature::store::try_open("drivers"))
 *         serve(*store);
 *     else
 *         log(store.error().what());
 *
 * @since 0.1
 */
template <class T> class [[nodiscard]] result
{
  public:
    result(T value) noexcept : value_(std::move(value)) {}
    result(const feature::error &why) noexcept : error_(why) {}

    bool has_value() const noexcept { return value_.has_value(); }
    explicit operator bool() const noexcept { return has_value(); }

    /** Only where there is a value. */
    T &operator*() &noexcept { return *value_; }
    const T &operator*() const &noexcept { return *value_; }
    T &&operator*() &&noexcept { return *std::move(value_); }
    T *operator->() noexcept { return &*value_; }
    const T *operator->() const noexcept { return &*value_; }

    /** Only where there is none. */
    const feature::error &error() const noexcept { return *error_; }

    /** status::ok where there is a value. */
    status code() const noexcept
    {
        return error_ ? error_->code() : status::ok;
    }

#ifdef LIBFEATURE_EXCEPTIONS
    /** The value; throws the error. */
    T &value() &
    {
        if (error_)
            throw *error_;
        return *value_;
    }

    T value() &&
    {
        if (error_)
            throw *error_;
        return *std::move(value_);
    }
#endif

  private:
    std::optional<T> value_{};
    std::optional<feature::error> error_{};
};

/** Done, or the error. @since 0.1 */
template <> class [[nodiscard]] result<void>
{
  public:
    result() noexcept = default;

    result(const feature::error &why) noexcept : error_(why) {}

    bool has_value() const noexcept { return !error_; }

    explicit operator bool() const noexcept { return has_value(); }

    const feature::error &error() const noexcept { return *error_; }

    status code() const noexcept
    {
        return error_ ? error_->code() : status::ok;
    }

#ifdef LIBFEATURE_EXCEPTIONS
    void value() const
    {
        if (error_)
            throw *error_;
    }
#endif

  private:
    std::optional<feature::error> error_{};
};

/* --- spans and texts ------------------------------------------------------ */

/**
 * Some elements that lie side by side in somebody else's memory: std::span for
 * C++17, and convertible to and from it in C++20.
 *
 * @since 0.1
 */
template <class T> class span
{
    template <class Sequence>
    using data_of = decltype(std::declval<Sequence &>().data());

    template <class Sequence>
    using if_fits = std::enable_if_t<
        std::is_convertible_v<std::remove_pointer_t<data_of<Sequence>> (*)[],
                              T (*)[]> &&
        std::is_convertible_v<decltype(std::declval<Sequence &>().size()),
                              std::size_t>>;

  public:
    using element_type = T;
    using value_type = std::remove_cv_t<T>;
    using size_type = std::size_t;
    using iterator = T *;

    constexpr span() noexcept = default;

    constexpr span(T *data, std::size_t size) noexcept
        : data_(data), size_(size)
    {
    }

    template <std::size_t N>
    constexpr span(T (&array)[N]) noexcept : data_(array), size_(N)
    {
    }

    /** Anything with data() and size(): it has to outlive the span. */
    template <class Sequence, class = if_fits<Sequence>>
    constexpr span(Sequence &&sequence) noexcept
        : data_(sequence.data()), size_(sequence.size())
    {
    }

    constexpr T *data() const noexcept { return data_; }

    constexpr std::size_t size() const noexcept { return size_; }

    constexpr bool empty() const noexcept { return size_ == 0; }

    constexpr T *begin() const noexcept { return data_; }

    constexpr T *end() const noexcept { return data_ + size_; }

    constexpr T &operator[](std::size_t i) const noexcept { return data_[i]; }

    constexpr span subspan(std::size_t first, std::size_t count) const noexcept
    {
        return {data_ + first, count};
    }

  private:
    T *data_ = nullptr;
    std::size_t size_ = 0;
};

/** A text that ends in NUL, from a literal or a std::string. @since 0.1 */
class c_string
{
  public:
    constexpr c_string(const char *text = nullptr) noexcept : text_(text) {}

    c_string(const std::string &text) noexcept : text_(text.c_str()) {}

    constexpr const char *get() const noexcept { return text_; }

  private:
    const char *text_;
};

namespace detail
{

/** Calls a function of the C API to release what a std::unique_ptr holds. */
template <auto Release> struct releaser {
    template <class T> void operator()(T *held) const noexcept
    {
        Release(held);
    }
};

template <class T, auto Release>
using owner = std::unique_ptr<T, releaser<Release>>;

} // namespace detail

/** A text that the library returned. @since 0.1 */
class text
{
  public:
    text() noexcept = default;

    /** Takes over what is {owned feature_free}. */
    explicit text(char *owned) noexcept : held_(owned) {}

    const char *c_str() const noexcept { return held_ ? held_.get() : ""; }

    std::string_view view() const noexcept { return c_str(); }

    operator std::string_view() const noexcept { return view(); }

    std::string str() const { return c_str(); }

  private:
    detail::owner<char, feature_free> held_{};
};

/* --- options and reports -------------------------------------------------- */

/** How to open a store; members are those of ::feature_options. @since 0.1 */
struct options : ::feature_options {
    enum : std::uint32_t {
        create = FEATURE_OPEN_CREATE,
        read_only = FEATURE_OPEN_READ_ONLY,
        immutable = FEATURE_OPEN_IMMUTABLE,
        allow_remote = FEATURE_OPEN_ALLOW_REMOTE,
        warm = FEATURE_OPEN_WARM,
        no_upkeep = FEATURE_OPEN_NO_UPKEEP
    };

    options(std::uint32_t bits = 0) noexcept : ::feature_options()
    {
        struct_size = sizeof(::feature_options);
        flags = bits;
    }
};

/** How to apply definitions: ::feature_apply_options. @since 0.1 */
struct apply_options : ::feature_apply_options {
    apply_options() noexcept : ::feature_apply_options()
    {
        struct_size = sizeof(::feature_apply_options);
    }

    /** Only if the catalog is at this version. */
    static apply_options at(std::uint64_t catalog_version) noexcept
    {
        apply_options made;

        made.expect = catalog_version;
        return made;
    }
};

/**
 * Where the rows of a write came from: ::feature_source.
 *
 * Name and position have to outlive the call that it is given to.
 *
 * @since 0.1
 */
struct source : ::feature_source {
    source(c_string source_name, std::uint32_t source_partition,
           std::uint64_t first, std::uint64_t next,
           std::string_view kept = {}) noexcept
        : ::feature_source()
    {
        name = source_name.get();
        partition = source_partition;
        first_offset = first;
        next_offset = next;
        position = kept.data();
        position_size = static_cast<std::uint32_t>(kept.size());
    }
};

static_assert(sizeof(source) == sizeof(::feature_source),
              "sources lie as C's do");

/** How to write: ::feature_write_options. @since 0.1 */
struct write_options : ::feature_write_options {
    enum : std::uint32_t { skip_invalid = FEATURE_WRITE_SKIP_INVALID };

    write_options(std::uint32_t bits = 0) noexcept : ::feature_write_options()
    {
        struct_size = sizeof(::feature_write_options);
        flags = bits;
    }

    /** What the write stores the offsets of. They have to outlive the call. */
    write_options &from(span<const source> list) noexcept
    {
        sources = list.data();
        source_count = static_cast<std::uint32_t>(list.size());
        return *this;
    }

    write_options &from(const source &one) noexcept
    {
        return from(span<const source>(&one, 1));
    }
};

/** How to prepare a read: ::feature_query_options. @since 0.1 */
struct query_options : ::feature_query_options {
    enum : std::uint32_t { matrix = FEATURE_QUERY_MATRIX };

    query_options(std::uint32_t bits = 0) noexcept : ::feature_query_options()
    {
        struct_size = sizeof(::feature_query_options);
        flags = bits;
    }

    query_options(feature::fill policy, std::uint32_t bits = 0) noexcept
        : query_options(bits)
    {
        fill = static_cast<std::int32_t>(policy);
    }

    /** Leaves out what was committed later, of views with history: known_by. */
    query_options &known_at(std::int64_t commit_time) noexcept
    {
        known_by = commit_time;
        return *this;
    }

    query_options &known_at(time_point commit_time) noexcept
    {
        return known_at(to_timestamp(commit_time));
    }
};

/** How to write an Arrow stream: ::feature_arrow_options. @since 0.1 */
struct arrow_options : ::feature_arrow_options {
    enum : std::uint32_t { skip_invalid = FEATURE_WRITE_SKIP_INVALID };

    arrow_options(std::uint32_t bits = 0) noexcept : ::feature_arrow_options()
    {
        struct_size = sizeof(::feature_arrow_options);
        flags = bits;
    }

    /** What the write stores the offsets of. They have to outlive the call. */
    arrow_options &from(span<const source> list) noexcept
    {
        sources = list.data();
        source_count = static_cast<std::uint32_t>(list.size());
        return *this;
    }

    arrow_options &from(const source &one) noexcept
    {
        return from(span<const source>(&one, 1));
    }
};

/** How to scan a view: ::feature_scan_options. @since 0.1 */
struct scan_options : ::feature_scan_options {
    enum : std::uint32_t { one_snapshot = FEATURE_SCAN_ONE_SNAPSHOT };

    scan_options(std::uint32_t bits = 0) noexcept : ::feature_scan_options()
    {
        struct_size = sizeof(::feature_scan_options);
        flags = bits;
    }
};

/** What comes with an export besides the columns. @since 0.1 */
namespace export_flag
{
enum : std::uint32_t {
    states = FEATURE_EXPORT_STATES,
    timestamps = FEATURE_EXPORT_TIMESTAMPS
};
}

/** How to join labels: ::feature_join_options; bits are of export_flag.
 *  @since 0.1 */
struct join_options : ::feature_join_options {
    join_options(std::uint32_t bits = 0) noexcept : ::feature_join_options()
    {
        struct_size = sizeof(::feature_join_options);
        flags = bits;
    }
};

/** Which versions to list: ::feature_history_options. @since 0.1 */
struct history_options : ::feature_history_options {
    history_options() noexcept : ::feature_history_options()
    {
        struct_size = sizeof(::feature_history_options);
    }
};

/** How far back history goes: ::feature_history_report. @since 0.1 */
struct history_report : ::feature_history_report {
    history_report() noexcept : ::feature_history_report()
    {
        struct_size = sizeof(::feature_history_report);
    }
};

/** Which changes of a view: ::feature_changes_arrow_options. @since 0.1 */
struct changes_arrow_options : ::feature_changes_arrow_options {
    enum : std::uint32_t { before = FEATURE_CHANGES_BEFORE };

    changes_arrow_options(std::uint32_t bits = 0) noexcept
        : ::feature_changes_arrow_options()
    {
        struct_size = sizeof(::feature_changes_arrow_options);
        flags = bits;
    }
};

/**
 * How to read the change feed: ::feature_changes_options.
 *
 * @since 0.1
 */
struct changes_options : ::feature_changes_options {
    enum : std::uint32_t { resume = FEATURE_CHANGES_RESUME };

    changes_options(std::uint32_t bits = 0) noexcept
        : ::feature_changes_options()
    {
        struct_size = sizeof(::feature_changes_options);
        flags = bits;
    }

    /** The records after this sequence. */
    static changes_options after(std::uint64_t sequence) noexcept
    {
        changes_options made;

        made.since = sequence;
        return made;
    }

    /** Registers a claim, or renews one with resume. The name has to outlive
     *  the call. */
    changes_options &as(c_string name,
                        std::chrono::milliseconds claim = {}) noexcept
    {
        consumer = name.get();
        claim_ms = static_cast<std::uint64_t>(claim.count());
        return *this;
    }
};

/** What a commit did: ::feature_commit. @since 0.1 */
struct commit : ::feature_commit {
    commit() noexcept : ::feature_commit()
    {
        struct_size = sizeof(::feature_commit);
    }
};

/** How much upkeep to do: ::feature_maintain_options. @since 0.1 */
struct maintain_options : ::feature_maintain_options {
    enum : std::uint32_t { all = FEATURE_MAINTAIN_ALL };

    maintain_options(std::uint32_t bits = 0) noexcept
        : ::feature_maintain_options()
    {
        struct_size = sizeof(::feature_maintain_options);
        flags = bits;
    }
};

/** What upkeep did: ::feature_maintain_report. @since 0.1 */
struct maintain_report : ::feature_maintain_report {
    maintain_report() noexcept : ::feature_maintain_report()
    {
        struct_size = sizeof(::feature_maintain_report);
    }
};

/** How to load a view: ::feature_load_options. @since 0.1 */
struct load_options : ::feature_load_options {
    enum : std::uint32_t {
        last_wins = FEATURE_LOAD_LAST_WINS,
        force = FEATURE_LOAD_FORCE,
        sorted = FEATURE_LOAD_SORTED
    };

    /** The text has to live until the load begins. */
    load_options(const char *name = nullptr, std::uint32_t bits = 0) noexcept
        : ::feature_load_options()
    {
        struct_size = sizeof(::feature_load_options);
        flags = bits;
        id = name;
    }
};

/** What a load or a rollback did: ::feature_load_report. @since 0.1 */
struct load_report : ::feature_load_report {
    load_report() noexcept : ::feature_load_report()
    {
        struct_size = sizeof(::feature_load_report);
    }

    /** A load of this id was committed before: this is its report. */
    bool is_duplicate() const noexcept
    {
        return (flags & FEATURE_LOADED_DUPLICATE) != 0;
    }

    /** A gate failed, and was passed all the same. */
    bool is_forced() const noexcept
    {
        return (flags & FEATURE_LOADED_FORCED) != 0;
    }
};

/** How to roll back: ::feature_rollback_options. @since 0.1 */
struct rollback_options : ::feature_rollback_options {
    enum : std::uint32_t { as_it_was = FEATURE_ROLLBACK_AS_IT_WAS };

    rollback_options(std::uint32_t bits = 0) noexcept
        : ::feature_rollback_options()
    {
        struct_size = sizeof(::feature_rollback_options);
        flags = bits;
    }
};

/** How many quality rules were judged: ::feature_check_report. @since 0.1 */
struct check_report : ::feature_check_report {
    check_report() noexcept : ::feature_check_report()
    {
        struct_size = sizeof(::feature_check_report);
    }
};

/** How to verify a store: ::feature_verify_options. @since 0.1 */
struct verify_options : ::feature_verify_options {
    enum : std::uint32_t { json = FEATURE_VERIFY_JSON };

    verify_options(std::uint32_t bits = 0) noexcept : ::feature_verify_options()
    {
        struct_size = sizeof(::feature_verify_options);
        flags = bits;
    }
};

/** How to take a snapshot: ::feature_snapshot_options. @since 0.1 */
struct snapshot_options : ::feature_snapshot_options {
    snapshot_options() noexcept : ::feature_snapshot_options()
    {
        struct_size = sizeof(::feature_snapshot_options);
    }
};

/** How to restore one: ::feature_restore_options. @since 0.1 */
struct restore_options : ::feature_restore_options {
    enum : std::uint32_t {
        verify_only = FEATURE_RESTORE_VERIFY_ONLY,
        allow_remote = FEATURE_RESTORE_ALLOW_REMOTE
    };

    restore_options(std::uint32_t bits = 0) noexcept
        : ::feature_restore_options()
    {
        struct_size = sizeof(::feature_restore_options);
        flags = bits;
    }
};

/** What a snapshot holds: ::feature_snapshot_report. @since 0.1 */
struct snapshot_report : ::feature_snapshot_report {
    snapshot_report() noexcept : ::feature_snapshot_report()
    {
        struct_size = sizeof(::feature_snapshot_report);
    }
};

/** What a verification saw and found: ::feature_verify_report. @since 0.1 */
struct verification : ::feature_verify_report {
    verification() noexcept : ::feature_verify_report()
    {
        struct_size = sizeof(::feature_verify_report);
    }

    bool is_good() const noexcept { return findings == 0; }

    text lines{}; /**< one a finding; empty for a good store */
};

/**
 * How far a snapshot, a restore or a compaction is: ::feature_progress.
 *
 * Another thread may ask, and cancel, while the call runs. For one call, and it
 * has to outlive that.
 *
 * @since 0.1
 */
class progress
{
  public:
    progress() noexcept = default;
    progress(const progress &) = delete;
    progress &operator=(const progress &) = delete;

    /** Done so far, tombstones too. */
    std::uint64_t rows() const noexcept { return load(raw_.rows); }

    /** In all; 0: not known yet. */
    std::uint64_t total_rows() const noexcept { return load(raw_.total_rows); }

    /** Of keys and rows, done so far. */
    std::uint64_t bytes() const noexcept { return load(raw_.bytes); }

    /** Ends the call, if it has not begun yet too: BUSY `cancelled`. */
    void cancel() noexcept
    {
        __atomic_store_n(&raw_.cancel, 1U, __ATOMIC_RELAXED);
    }

    ::feature_progress *get() noexcept { return &raw_; }

  private:
    static std::uint64_t load(const std::uint64_t &from) noexcept
    {
        return __atomic_load_n(&from, __ATOMIC_RELAXED);
    }

    ::feature_progress raw_ = {};
};

/** The state of a store in numbers: ::feature_stats. @since 0.1 */
struct stats : ::feature_stats {
    stats() noexcept : ::feature_stats()
    {
        struct_size = sizeof(::feature_stats);
    }
};

/**
 * One key, column or view of a query, or one column of a batch: a
 * ::feature_field with types.
 *
 * Good as long as the query or batch that described it.
 *
 * @since 0.1
 */
class field
{
  public:
    field() noexcept = default;

    explicit field(const ::feature_field &raw) noexcept : raw_(raw) {}

    std::string_view name() const noexcept
    {
        return raw_.name ? raw_.name : "";
    }

    feature::type type() const noexcept
    {
        return static_cast<feature::type>(raw_.type);
    }

    feature::role role() const noexcept
    {
        return static_cast<feature::role>(raw_.role);
    }

    /** n for T[n], else 1. */
    std::uint32_t width() const noexcept { return raw_.width; }

    bool is_list() const noexcept
    {
        return (raw_.flags & FEATURE_FIELD_LIST) != 0;
    }

    bool is_not_null() const noexcept
    {
        return (raw_.flags & FEATURE_FIELD_NOT_NULL) != 0;
    }

    /** Index of the column's view in its query. */
    std::uint32_t view() const noexcept { return raw_.view; }

    const ::feature_field &raw() const noexcept { return raw_; }

  private:
    ::feature_field raw_ = {};
};

/**
 * A key, column or view by its index or by its name.
 *
 * An index costs nothing; a name is looked up among the others, which is fine
 * for a few dozen and can be done once with index_of().
 *
 * @since 0.1
 */
class at
{
  public:
    template <class Integer,
              class = std::enable_if_t<std::is_integral_v<Integer>>>
    constexpr at(Integer index) noexcept
        : index_(static_cast<std::uint32_t>(index))
    {
    }

    constexpr at(std::string_view name) noexcept : name_(name), is_name_(true)
    {
    }

    constexpr at(const char *name) noexcept : at(std::string_view(name)) {}

    at(const std::string &name) noexcept : at(std::string_view(name)) {}

    constexpr bool is_name() const noexcept { return is_name_; }

    constexpr std::string_view name() const noexcept { return name_; }

    constexpr std::uint32_t index() const noexcept { return index_; }

  private:
    std::string_view name_{};
    std::uint32_t index_ = 0;
    bool is_name_ = false;
};

/**
 * Which rows are not null, for a call that sets a column: all of them, or one
 * bool a row, or Arrow's bits.
 *
 * @since 0.1
 */
class validity
{
  public:
    /** No row is null. */
    validity() noexcept = default;

    /** Bit i, LSB first: row i is not null. nullptr: none is null. */
    static validity bits(const std::uint8_t *bits) noexcept
    {
        validity made;

        made.bits_ = bits;
        return made;
    }

    validity(span<const bool> flags) noexcept
        : flags_(flags.data()), size_(flags.size()), is_flags_(true)
    {
    }

    validity(std::initializer_list<bool> flags) noexcept
        : validity(span<const bool>(flags.begin(), flags.size()))
    {
    }

    validity(const std::vector<bool> &flags) noexcept
        : vector_(&flags), size_(flags.size()), is_flags_(true)
    {
    }

    /** Whether it has something to say about each of so many rows. */
    bool fits(std::size_t rows) const noexcept
    {
        return !is_flags_ || size_ == rows;
    }

    bool operator[](std::size_t row) const noexcept
    {
        if (vector_)
            return (*vector_)[row];
        if (is_flags_)
            return flags_[row];
        return !bits_ || (bits_[row / 8] >> (row % 8) & 1) != 0;
    }

    /** Arrow's bits, where that is what there is. */
    const std::uint8_t *bits() const noexcept { return bits_; }

    /** Whether bits() says it all. */
    bool is_bits() const noexcept { return !is_flags_; }

  private:
    const std::uint8_t *bits_ = nullptr;
    const bool *flags_ = nullptr;
    const std::vector<bool> *vector_ = nullptr;
    std::size_t size_ = 0;
    bool is_flags_ = false;
};

/**
 * Texts in Arrow's layout: text i is the bytes from offsets[i] to
 * offsets[i + 1]. Handed over as it is, without a copy on the way.
 *
 * @since 0.1
 */
struct packed_texts {
    const void *bytes = nullptr;
    span<const std::int32_t> offsets = {};
};

/* --- from C++ sequences to Arrow's layout --------------------------------- */

namespace detail
{

/** Adds as much of a text as there is room for. */
template <std::size_t N>
void
append(char (&to)[N], std::string_view text) noexcept
{
    std::size_t used = std::strlen(to);
    std::size_t size = text.size() < N - 1 - used ? text.size() : N - 1 - used;

    if (size)
        std::memcpy(to + used, text.data(), size);
}

/** An error that this header found by itself. */
inline error
make_error(feature_status status, std::string_view reason,
           std::string_view message, std::string_view name = {}) noexcept
{
    ::feature_error made = {};

    made.status = status;
    made.row = -1;
    append(made.reason, reason);
    append(made.message, message);
    if (!name.empty()) {
        append(made.message, " \"");
        append(made.message, name);
        append(made.message, "\"");
    }
    return error(made);
}

inline error
invalid(const char *message) noexcept
{
    return make_error(FEATURE_INVALID, "argument", message);
}

inline error
no_memory() noexcept
{
    return make_error(FEATURE_NO_MEMORY, "memory", "no memory for a column");
}

/** Makes a call of the C API that answers a status. */
template <class Call>
result<void>
call(Call &&call) noexcept
{
    ::feature_error why;

    if (call(&why))
        return error(why);
    return {};
}

/** The same, for one that hands out an Out, of which a Made is made. */
template <class Made, class Out = Made, class Call>
result<Made>
make(Call &&call) noexcept
{
    ::feature_error why;
    Out out{};

    if (call(&out, &why))
        return error(why);
    return Made(out);
}

inline void
release_memory(void *memory) noexcept
{
    std::free(memory);
}

/** Memory that is used again and again. */
class scratch
{
  public:
    scratch() noexcept = default;

    scratch(scratch &&from) noexcept
        : memory_(std::move(from.memory_)), size_(std::exchange(from.size_, 0))
    {
    }

    scratch &operator=(scratch &&from) noexcept
    {
        memory_ = std::move(from.memory_);
        size_ = std::exchange(from.size_, 0);
        return *this;
    }

    scratch(const scratch &) = delete;
    scratch &operator=(const scratch &) = delete;
    ~scratch() = default;

    /** So many elements, of any value; nullptr where there is no memory. */
    template <class T> T *take(std::size_t count) noexcept
    {
        std::size_t size = count * sizeof(T);

        if (!memory_ || size > size_) {
            memory_.reset(std::malloc(size + size / 2 + 64));
            size_ = memory_ ? size + size / 2 + 64 : 0;
        }
        return static_cast<T *>(memory_.get());
    }

    template <class T> T *get() const noexcept
    {
        return static_cast<T *>(memory_.get());
    }

  private:
    owner<void, release_memory> memory_{};
    std::size_t size_ = 0;
};

/** What a set call of the C API takes. */
struct arrays {
    std::int32_t type = 0;
    const void *values = nullptr;
    const std::int32_t *offsets = nullptr;
    const std::int32_t *child_offsets = nullptr;
    const std::uint8_t *validity = nullptr;
    std::uint32_t rows = 0;
    bool is_list = false;
};

/** How elements of a C++ type become values. */
enum class kind { none, number, boolean, time, text };

template <class T>
inline constexpr bool is_integer =
    std::is_integral_v<T> &&std::is_signed_v<T> &&
    (sizeof(T) == 4 || sizeof(T) == 8) && !std::is_same_v<T, wchar_t>;

template <class T> inline constexpr bool is_time = false;
template <class Duration>
inline constexpr bool
    is_time<std::chrono::time_point<std::chrono::system_clock, Duration>> =
        true;

template <class T, class = void> inline constexpr bool is_octets = false;
template <class T>
inline constexpr bool is_octets<
    T, std::void_t<decltype(*std::declval<const T &>().data()),
                   decltype(std::declval<const T &>().size())>> =
    sizeof(*std::declval<const T &>().data()) == 1 &&
    std::is_trivially_copyable_v<
        std::remove_reference_t<decltype(*std::declval<const T &>().data())>> &&
    !std::is_same_v<std::remove_cv_t<std::remove_reference_t<
                        decltype(*std::declval<const T &>().data())>>,
                    bool>;

template <class T>
constexpr kind
kind_of() noexcept
{
    if constexpr (std::is_same_v<T, bool>)
        return kind::boolean;
    else if constexpr (is_integer<T> || std::is_same_v<T, float> ||
                       std::is_same_v<T, double>)
        return kind::number;
    else if constexpr (is_time<T>)
        return kind::time;
    else if constexpr (std::is_convertible_v<const T &, std::string_view> ||
                       is_octets<T>)
        return kind::text;
    else
        return kind::none;
}

template <class T>
constexpr std::int32_t
number_type() noexcept
{
    if constexpr (std::is_same_v<T, float>)
        return FEATURE_TYPE_FLOAT32;
    else if constexpr (std::is_same_v<T, double>)
        return FEATURE_TYPE_FLOAT64;
    else
        return sizeof(T) == 4 ? FEATURE_TYPE_INT32 : FEATURE_TYPE_INT64;
}

/** The bytes of a text, be it std::string, a literal or a std::vector of
 *  std::byte. */
template <class T>
std::string_view
octets(const T &value) noexcept
{
    if constexpr (std::is_convertible_v<const T &, std::string_view>)
        return value;
    else
        return {reinterpret_cast<const char *>(value.data()), value.size()};
}

/** An element that may be null: a std::optional, or the value itself. */
template <class T> struct nullable {
    using value = T;
    static constexpr bool is_optional = false;

    static const T *get(const T &element) noexcept { return &element; }
};

template <class T> struct nullable<std::optional<T>> {
    using value = T;
    static constexpr bool is_optional = true;

    static const T *get(const std::optional<T> &element) noexcept
    {
        return element ? &*element : nullptr;
    }
};

template <class Sequence>
using element_of = std::remove_cv_t<
    std::remove_reference_t<decltype(std::declval<const Sequence &>()[0])>>;

/**
 * Reads a sequence of texts into offsets and bytes.
 *
 * There is room for what was measured before, and no more is taken: a sequence
 * that computes its elements may say something else the second time.
 */
class text_writer
{
  public:
    /** So many bytes, and an offset more than there are texts. */
    text_writer(char *bytes, std::size_t size, std::int32_t *offsets,
                std::size_t count) noexcept
        : bytes_(bytes), offsets_(offsets), size_(size), count_(count)
    {
        *offsets_ = 0;
    }

    /** False where there is no room for it. */
    bool add(std::string_view text) noexcept
    {
        std::size_t used = static_cast<std::size_t>(offsets_[added_]);

        if (added_ == count_ || text.size() > size_ - used)
            return false;
        if (!text.empty())
            std::memcpy(bytes_ + used, text.data(), text.size());
        offsets_[++added_] = static_cast<std::int32_t>(used + text.size());
        return true;
    }

    std::size_t added() const noexcept { return added_; }

  private:
    char *bytes_;
    std::int32_t *offsets_;
    std::size_t size_;
    std::size_t count_;
    std::size_t added_ = 0;
};

inline constexpr std::size_t rows_max =
    std::numeric_limits<std::uint32_t>::max();
inline constexpr std::size_t bytes_max =
    static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max());

/**
 * Turns sequences into what the C API takes, in memory of its own where it has
 * to and as they are where it can.
 *
 * An element may be computed by operator[] and returned by value. So each is
 * bound to a name before anything points into it; and where memory is measured
 * first and filled afterwards, filling does not trust the measure.
 */
class packer
{
  public:
    /** A column of so many rows, of width values each. */
    template <class Sequence>
    result<arrays> pack(const Sequence &values, const validity &valid,
                        std::int32_t text_type, std::uint32_t width) noexcept
    {
        using element = element_of<Sequence>;
        using value = typename nullable<element>::value;
        constexpr kind how = kind_of<value>();
        static_assert(how != kind::none,
                      "values are bool, signed integers of 32 or 64 bits, "
                      "float, double, texts, bytes, time points, or "
                      "std::optional of these");
        const std::size_t count = values.size(), rows = count / width;
        arrays made;

        if (count % width)
            return invalid("the values are no whole number of vectors");
        if (nullable<element>::is_optional && width > 1)
            return invalid("vectors say by flags which of them is null");
        if (rows > rows_max)
            return invalid("more than 2^32 - 1 rows");
        if (!valid.fits(rows))
            return invalid("one flag a row says whether it is null");
        made.rows = static_cast<std::uint32_t>(rows);
        if constexpr (how == kind::number && !nullable<element>::is_optional)
            made.values = values.data();
        else if (!pack_cells<value>(values, count, text_type, made))
            return why_not(made);
        if constexpr (how == kind::number)
            made.type = number_type<value>();
        if (!pack_validity<element>(values, valid, made))
            return no_memory();
        return made;
    }

    /** A list a row, each of them a sequence, or a std::optional of one. */
    template <class Lists>
    result<arrays> pack_lists(const Lists &lists, const validity &valid,
                              std::int32_t text_type) noexcept
    {
        using list = typename nullable<element_of<Lists>>::value;
        using value = element_of<list>;
        constexpr kind how = kind_of<value>();
        static_assert(how == kind::number || how == kind::text,
                      "lists are of signed integers of 32 or 64 bits, float, "
                      "double or texts");
        const std::size_t count = lists.size();
        std::size_t elements = 0;
        arrays made;

        if (count > rows_max)
            return invalid("more than 2^32 - 1 rows");
        if (!valid.fits(count))
            return invalid("one flag a row says whether it is null");
        made.rows = static_cast<std::uint32_t>(count);
        made.is_list = true;
        std::int32_t *offsets = offsets_.take<std::int32_t>(count + 1);
        if (!offsets)
            return no_memory();
        offsets[0] = 0;
        for (std::size_t i = 0; i < count; i++) {
            const element_of<Lists> &each = lists[i];
            const list *at = nullable<element_of<Lists>>::get(each);
            const std::size_t size = at ? at->size() : 0;

            if (size > bytes_max - elements)
                return invalid("lists of more than 2^31 - 1 elements");
            elements += size;
            offsets[i + 1] = static_cast<std::int32_t>(elements);
        }
        made.offsets = offsets;
        if constexpr (how == kind::text) {
            if (!pack_list_texts<list>(lists, elements, made))
                return why_not(made);
            made.type = text_type;
        } else {
            if (!pack_list_numbers<list, value>(lists, elements, made))
                return why_not(made);
            made.type = number_type<value>();
        }
        if (!pack_validity<element_of<Lists>>(lists, valid, made))
            return no_memory();
        return made;
    }

    /** Flags as bits. */
    result<const std::uint8_t *> pack_flags(const validity &valid,
                                            std::size_t rows) noexcept
    {
        arrays made;

        if (rows > rows_max)
            return invalid("more than 2^32 - 1 rows");
        if (!valid.fits(rows))
            return invalid("one flag a row says whether it is null");
        made.rows = static_cast<std::uint32_t>(rows);
        if (!pack_validity<int>(span<const int>(), valid, made))
            return no_memory();
        return made.validity;
    }

  private:
    /** The type says where it was not for memory. */
    static error why_not(const arrays &made) noexcept
    {
        if (made.type == too_large)
            return invalid("more than 2^31 - 1 bytes");
        if (made.type == changed)
            return invalid("the sequence changed while it was read");
        return no_memory();
    }

    template <class Value, class Sequence>
    bool pack_cells(const Sequence &values, std::size_t count,
                    std::int32_t text_type, arrays &made) noexcept
    {
        if constexpr (kind_of<Value>() == kind::boolean) {
            made.type = FEATURE_TYPE_BOOL;
            return pack_bools(values, count, made);
        } else if constexpr (kind_of<Value>() == kind::text) {
            made.type = text_type;
            return pack_texts(values, count, made);
        } else if constexpr (kind_of<Value>() == kind::time) {
            made.type = FEATURE_TYPE_TIMESTAMP;
            return pack_numbers<std::int64_t>(
                values, count, made,
                [](const Value &at) { return to_timestamp(at); });
        } else {
            return pack_numbers<Value>(
                values, count, made,
                [](const Value &number) { return number; });
        }
    }

    template <class Number, class Sequence, class Convert>
    bool pack_numbers(const Sequence &values, std::size_t count, arrays &made,
                      Convert convert) noexcept
    {
        using element = element_of<Sequence>;
        Number *to = values_.take<Number>(count);

        made.values = to;
        for (std::size_t i = 0; to && i < count; i++) {
            const element &each = values[i];
            const auto *at = nullable<element>::get(each);

            to[i] = at ? convert(*at) : Number();
        }
        return to != nullptr;
    }

    template <class Sequence>
    bool pack_bools(const Sequence &values, std::size_t count,
                    arrays &made) noexcept
    {
        using element = element_of<Sequence>;
        std::size_t size = count / 8 + 1;
        std::uint8_t *to = values_.take<std::uint8_t>(size);

        made.values = to;
        if (!to)
            return false;
        std::memset(to, 0, size);
        for (std::size_t i = 0; i < count; i++) {
            const element &each = values[i]; // a std::vector<bool> has none
            const bool *at = nullable<element>::get(each);

            if (at && *at)
                set_bit(to, i);
        }
        return true;
    }

    template <class Sequence>
    bool pack_texts(const Sequence &values, std::size_t count,
                    arrays &made) noexcept
    {
        using element = element_of<Sequence>;
        std::size_t size = 0;

        for (std::size_t i = 0; i < count; i++) {
            const element &each = values[i];
            const auto *at = nullable<element>::get(each);

            size += at ? octets(*at).size() : 0;
            if (size > bytes_max)
                return fail(made, too_large);
        }
        char *bytes = values_.take<char>(size);
        std::int32_t *offsets = offsets_.take<std::int32_t>(count + 1);
        if (!bytes || !offsets)
            return false;
        text_writer writer(bytes, size, offsets, count);
        for (std::size_t i = 0; i < count; i++) {
            const element &each = values[i];
            const auto *at = nullable<element>::get(each);

            if (!writer.add(at ? octets(*at) : std::string_view()))
                return fail(made, changed);
        }
        made.values = bytes;
        made.offsets = offsets;
        return true;
    }

    template <class List, class Value, class Lists>
    bool pack_list_numbers(const Lists &lists, std::size_t elements,
                           arrays &made) noexcept
    {
        Value *to = values_.take<Value>(elements);

        made.values = to;
        for (std::size_t i = 0; to && i < made.rows; i++) {
            const element_of<Lists> &each = lists[i];
            const List *at = nullable<element_of<Lists>>::get(each);
            const std::size_t size = at ? at->size() : 0;

            if (size !=
                static_cast<std::size_t>(made.offsets[i + 1] - made.offsets[i]))
                return fail(made, changed);
            if (size)
                std::memcpy(to, at->data(), size * sizeof(Value));
            to += size;
        }
        return to != nullptr;
    }

    template <class List, class Lists>
    bool pack_list_texts(const Lists &lists, std::size_t elements,
                         arrays &made) noexcept
    {
        std::size_t size = 0;

        for (std::size_t i = 0; i < made.rows; i++) {
            const element_of<Lists> &each = lists[i];

            if (!measure_texts(nullable<element_of<Lists>>::get(each), size))
                return fail(made, too_large);
        }
        char *bytes = values_.take<char>(size);
        std::int32_t *ends = children_.take<std::int32_t>(elements + 1);
        if (!bytes || !ends)
            return false;
        text_writer writer(bytes, size, ends, elements);
        for (std::size_t i = 0; i < made.rows; i++) {
            const element_of<Lists> &each = lists[i];

            if (!add_texts(nullable<element_of<Lists>>::get(each), writer) ||
                writer.added() != static_cast<std::size_t>(made.offsets[i + 1]))
                return fail(made, changed);
        }
        made.values = bytes;
        made.child_offsets = ends;
        return true;
    }

    /** Adds the bytes of a list; false where they are too many. */
    template <class List>
    static bool measure_texts(const List *list, std::size_t &size) noexcept
    {
        if (list)
            for (const auto &each : *list) {
                size += octets(each).size();
                if (size > bytes_max)
                    return false;
            }
        return true;
    }

    template <class List>
    static bool add_texts(const List *list, text_writer &writer) noexcept
    {
        if (list)
            for (const auto &each : *list)
                if (!writer.add(octets(each)))
                    return false;
        return true;
    }

    template <class Element, class Sequence>
    bool pack_validity(const Sequence &values, const validity &valid,
                       arrays &made) noexcept
    {
        made.validity = valid.bits();
        if (!nullable<Element>::is_optional && valid.is_bits())
            return true;
        std::size_t size = std::size_t(made.rows) / 8 + 1;
        std::uint8_t *bits = validity_.take<std::uint8_t>(size);
        if (!bits)
            return false;
        std::memset(bits, 0, size);
        for (std::size_t i = 0; i < made.rows; i++) {
            bool is_valid = valid[i];

            if constexpr (nullable<Element>::is_optional)
                is_valid = is_valid && values[i].has_value();
            if (is_valid)
                set_bit(bits, i);
        }
        made.validity = bits;
        static_cast<void>(values);
        return true;
    }

    static void set_bit(std::uint8_t *bits, std::size_t i) noexcept
    {
        bits[i / 8] = static_cast<std::uint8_t>(bits[i / 8] | 1U << (i % 8));
    }

    /** Notes why there is no column. */
    static bool fail(arrays &made, std::int32_t why) noexcept
    {
        made.type = why;
        return false;
    }

    static constexpr std::int32_t too_large = -1;
    static constexpr std::int32_t changed = -2;

    scratch values_{};
    scratch offsets_{};
    scratch children_{};
    scratch validity_{};
};

/** Texts that are in Arrow's layout already. */
inline result<arrays>
take_texts(packer &packer, const packed_texts &texts, const validity &valid,
           std::int32_t text_type) noexcept
{
    std::size_t rows = texts.offsets.empty() ? 0 : texts.offsets.size() - 1;
    result<const std::uint8_t *> bits = packer.pack_flags(valid, rows);
    arrays made;

    if (!bits)
        return bits.error();
    made.type = text_type;
    made.values = texts.bytes;
    made.offsets = texts.offsets.data();
    made.validity = *bits;
    made.rows = static_cast<std::uint32_t>(rows);
    return made;
}

/** Lists of numbers that are in Arrow's layout already. */
template <class T>
result<arrays>
take_lists(packer &packer, span<const T> elements,
           span<const std::int32_t> offsets, const validity &valid) noexcept
{
    std::size_t rows = offsets.empty() ? 0 : offsets.size() - 1;
    result<const std::uint8_t *> bits = packer.pack_flags(valid, rows);
    arrays made;

    if (!bits)
        return bits.error();
    if (rows && (offsets[0] < 0 || offsets[rows] < 0 ||
                 static_cast<std::size_t>(offsets[rows]) > elements.size()))
        return invalid("the offsets reach past the elements");
    made.type = number_type<std::remove_cv_t<T>>();
    made.values = elements.data();
    made.offsets = offsets.data();
    made.validity = *bits;
    made.rows = static_cast<std::uint32_t>(rows);
    made.is_list = true;
    return made;
}

/** What texts become in a key or column: BYTES, or STRING for all others. */
inline std::int32_t
text_type(const ::feature_field &of) noexcept
{
    return of.type == FEATURE_TYPE_BYTES ? FEATURE_TYPE_BYTES
                                         : FEATURE_TYPE_STRING;
}

/** The index of a name among fields that describe() tells of one by one. */
template <class Describe>
result<std::uint32_t>
find_field(const at &which, Describe describe) noexcept
{
    ::feature_field found;

    if (!which.is_name())
        return which.index();
    for (std::uint32_t i = 0; describe(i, &found) == FEATURE_OK; i++)
        if (which.name() == found.name)
            return i;
    return make_error(FEATURE_NOT_FOUND, "name", "there is no", which.name());
}

/** An array or a list of initializers as a span; anything else as it is. */
template <class T, std::size_t N>
span<const T>
sequence(const T (&array)[N]) noexcept
{
    return {array, N};
}

template <class Sequence>
const Sequence &
sequence(const Sequence &values) noexcept
{
    return values;
}

/** Walks over a view that computes its elements. */
template <class View> class index_iterator
{
  public:
    using value_type = decltype(std::declval<const View &>()[0]);
    using difference_type = std::ptrdiff_t;
    using reference = value_type;
    using pointer = void;
    using iterator_category = std::input_iterator_tag;
    using iterator_concept = std::forward_iterator_tag;

    index_iterator() noexcept = default;
    index_iterator(const View &view, std::size_t i) noexcept
        : view_(view), i_(i)
    {
    }

    value_type operator*() const noexcept { return view_[i_]; }

    index_iterator &operator++() noexcept
    {
        i_++;
        return *this;
    }

    index_iterator operator++(int) noexcept
    {
        index_iterator before = *this;

        i_++;
        return before;
    }

    friend bool operator==(const index_iterator &a,
                           const index_iterator &b) noexcept
    {
        return a.i_ == b.i_;
    }

    friend bool operator!=(const index_iterator &a,
                           const index_iterator &b) noexcept
    {
        return a.i_ != b.i_;
    }

  private:
    View view_{};
    std::size_t i_ = 0;
};

} // namespace detail

/* --- what comes out ------------------------------------------------------- */

/**
 * Codes, one byte each, as an enum: the states of a view, the outcomes of a
 * batch.
 *
 * @since 0.1
 */
template <class Code> class codes
{
  public:
    using iterator = detail::index_iterator<codes>;

    codes() noexcept = default;

    codes(const std::uint8_t *data, std::size_t size) noexcept
        : data_(data), size_(data ? size : 0)
    {
    }

    std::size_t size() const noexcept { return size_; }

    bool empty() const noexcept { return size_ == 0; }

    Code operator[](std::size_t i) const noexcept
    {
        return static_cast<Code>(data_[i]);
    }

    iterator begin() const noexcept { return {*this, 0}; }

    iterator end() const noexcept { return {*this, size_}; }

  private:
    const std::uint8_t *data_ = nullptr;
    std::size_t size_ = 0;
};

/** The strings of one STRING[]. @since 0.1 */
class string_list
{
  public:
    using iterator = detail::index_iterator<string_list>;

    string_list() noexcept = default;

    string_list(const char *bytes, const std::int32_t *offsets,
                std::size_t size) noexcept
        : bytes_(bytes), offsets_(offsets), size_(size)
    {
    }

    std::size_t size() const noexcept { return size_; }

    bool empty() const noexcept { return size_ == 0; }

    std::string_view operator[](std::size_t i) const noexcept
    {
        return {bytes_ + offsets_[i],
                static_cast<std::size_t>(offsets_[i + 1] - offsets_[i])};
    }

    iterator begin() const noexcept { return {*this, 0}; }

    iterator end() const noexcept { return {*this, size_}; }

  private:
    const char *bytes_ = nullptr;
    const std::int32_t *offsets_ = nullptr;
    std::size_t size_ = 0;
};

namespace detail
{

/** How a column is read as T: whether it can be, and its value i. */
template <class T> struct reading;

/** Numbers, a value a row. */
template <class T, std::int32_t... Types> struct reading_number {
    static bool fits(const ::feature_column &column) noexcept
    {
        return ((column.type == Types) || ...) && column.width == 1 &&
               !column.offsets;
    }

    static T value(const ::feature_column &column, std::size_t i) noexcept
    {
        return static_cast<const T *>(column.values)[i];
    }
};

template <>
struct reading<std::int32_t>
    : reading_number<std::int32_t, FEATURE_TYPE_INT32> {
};
template <>
struct reading<std::int64_t>
    : reading_number<std::int64_t, FEATURE_TYPE_INT64, FEATURE_TYPE_TIMESTAMP> {
};
template <>
struct reading<float> : reading_number<float, FEATURE_TYPE_FLOAT32> {
};
template <>
struct reading<double> : reading_number<double, FEATURE_TYPE_FLOAT64> {
};

template <> struct reading<time_point> {
    static bool fits(const ::feature_column &column) noexcept
    {
        return column.type == FEATURE_TYPE_TIMESTAMP;
    }

    static time_point value(const ::feature_column &column,
                            std::size_t i) noexcept
    {
        return to_time_point(reading<std::int64_t>::value(column, i));
    }
};

template <> struct reading<bool> {
    static bool fits(const ::feature_column &column) noexcept
    {
        return column.type == FEATURE_TYPE_BOOL;
    }

    static bool value(const ::feature_column &column, std::size_t i) noexcept
    {
        auto bits = static_cast<const std::uint8_t *>(column.values);

        return (bits[i / 8] >> (i % 8) & 1) != 0;
    }
};

template <> struct reading<std::string_view> {
    static bool fits(const ::feature_column &column) noexcept
    {
        return (column.type == FEATURE_TYPE_STRING ||
                column.type == FEATURE_TYPE_BYTES) &&
               column.offsets && !column.child_offsets;
    }

    static std::string_view value(const ::feature_column &column,
                                  std::size_t i) noexcept
    {
        return string_list(static_cast<const char *>(column.values),
                           column.offsets, column.rows)[i];
    }
};

/** Vectors and numeric lists alike: the elements of a row. */
template <class T> struct reading<span<const T>> {
    static bool fits(const ::feature_column &column) noexcept
    {
        ::feature_column element = column;

        element.width = 1;
        element.offsets = nullptr;
        return reading<T>::fits(element) &&
               (column.offsets || column.width > 1);
    }

    static span<const T> value(const ::feature_column &column,
                               std::size_t i) noexcept
    {
        auto values = static_cast<const T *>(column.values);

        if (!column.offsets)
            return {values + i * column.width, column.width};
        return {values + column.offsets[i],
                static_cast<std::size_t>(column.offsets[i + 1] -
                                         column.offsets[i])};
    }
};

template <> struct reading<string_list> {
    static bool fits(const ::feature_column &column) noexcept
    {
        return column.child_offsets != nullptr;
    }

    static string_list value(const ::feature_column &column,
                             std::size_t i) noexcept
    {
        return {static_cast<const char *>(column.values),
                column.child_offsets + column.offsets[i],
                static_cast<std::size_t>(column.offsets[i + 1] -
                                         column.offsets[i])};
    }
};

} // namespace detail

/**
 * An element of a column: a std::optional, empty where the element is null.
 *
 * T is small, so `*` gives it by value: `for (float x : *column[row])` is safe,
 * which it would not be through a temporary std::optional.
 *
 * @since 0.1
 */
template <class T> class cell : public std::optional<T>
{
  public:
    using std::optional<T>::optional;

    T operator*() const noexcept { return std::optional<T>::operator*(); }
};

/**
 * One answered column, read as T.
 *
 * | T | of a column |
 * |---|---|
 * | std::int32_t, std::int64_t, float, double, bool | of that type |
 * | std::int64_t, ::feature::time_point | TIMESTAMP |
 * | std::string_view | STRING, BYTES |
 * | span<const T> of a number | vectors T[n] and lists T[] |
 * | ::feature::string_list | STRING[] |
 *
 * An element is a ::feature::cell, empty where it is null. Numbers also come as
 * values(), zero where they are null. Good until the request is used again.
 *
 * @since 0.1
 */
template <class T> class column_view
{
  public:
    using value_type = cell<T>;
    using iterator = detail::index_iterator<column_view>;

    column_view() noexcept = default;

    explicit column_view(const ::feature_column &raw) noexcept : raw_(raw) {}

    std::size_t size() const noexcept { return raw_.rows; }

    bool empty() const noexcept { return raw_.rows == 0; }

    /** n for T[n], else 1. */
    std::size_t width() const noexcept { return raw_.width; }

    std::size_t null_count() const noexcept { return raw_.null_count; }

    bool is_null(std::size_t row) const noexcept
    {
        return !bit(raw_.validity, row);
    }

    /** Whether the fill policy chose the value. */
    bool is_defaulted(std::size_t row) const noexcept
    {
        return raw_.defaulted && bit(raw_.defaulted, row);
    }

    cell<T> operator[](std::size_t row) const noexcept
    {
        if (is_null(row))
            return std::nullopt;
        return value(row);
    }

    /** The value without a look at whether it is null: zero or empty then. */
    T value(std::size_t row) const noexcept
    {
        return detail::reading<T>::value(raw_, row);
    }

    T value_or(std::size_t row, T otherwise) const noexcept
    {
        return is_null(row) ? otherwise : value(row);
    }

    /** All numbers side by side. */
    template <class Number = T,
              class = std::enable_if_t<std::is_arithmetic_v<Number> &&
                                       !std::is_same_v<Number, bool>>>
    span<const Number> values() const noexcept
    {
        return {static_cast<const Number *>(raw_.values), raw_.rows};
    }

    iterator begin() const noexcept { return {*this, 0}; }

    iterator end() const noexcept { return {*this, raw_.rows}; }

    const ::feature_column &raw() const noexcept { return raw_; }

  private:
    static bool bit(const std::uint8_t *bits, std::size_t i) noexcept
    {
        return (bits[i / 8] >> (i % 8) & 1) != 0;
    }

    ::feature_column raw_ = {};
};

/* --- batch ---------------------------------------------------------------- */

/**
 * Rows to write into one view, column by column; made by store::batch().
 *
 * One thread at a time.
 *
 * @since 0.1
 */
class batch
{
  public:
    batch() noexcept = default;

    /** Takes over what is {owned feature_batch_free}. */
    explicit batch(::feature_batch *owned) noexcept : held_(owned) {}

    ::feature_batch *get() const noexcept { return held_.get(); }

    explicit operator bool() const noexcept { return held_ != nullptr; }

    /** The index of a column. */
    result<std::uint32_t> try_index_of(const at &column) const noexcept
    {
        return detail::find_field(
            column, [this](std::uint32_t i, ::feature_field *found) {
                return feature_batch_column(get(), i, found, nullptr);
            });
    }

    /** Describes a column: feature_batch_column(). */
    result<field> try_column(const at &column) const noexcept
    {
        ::feature_error why;
        ::feature_field found;
        result<std::uint32_t> index = try_index_of(column);

        if (!index)
            return index.error();
        if (feature_batch_column(get(), *index, &found, &why))
            return error(why);
        return field(found);
    }

    /**
     * Sets a column: feature_batch_set().
     *
     * The values are numbers, bools, texts, bytes (std::vector<std::byte>), or
     * time points, or std::optional of these; for a vector T[n] rows x n
     * numbers. They may widen to the column's type. A std::vector of numbers
     * is handed over as it is; others are packed on the way, in memory that
     * the batch keeps.
     */
    template <class Sequence>
    result<void> try_set(const at &column, const Sequence &values,
                         const validity &valid = {}) noexcept
    {
        return set_packed(column, [&](const ::feature_field &found) {
            return packer_.pack(detail::sequence(values), valid,
                                detail::text_type(found), found.width);
        });
    }

    template <class T>
    result<void> try_set(const at &column, std::initializer_list<T> values,
                         const validity &valid = {}) noexcept
    {
        return try_set(column, span<const T>(values.begin(), values.size()),
                       valid);
    }

    /** Sets a column of texts or bytes that are packed already. */
    result<void> try_set(const at &column, const packed_texts &texts,
                         const validity &valid = {}) noexcept
    {
        return set_packed(column, [&](const ::feature_field &found) {
            return detail::take_texts(packer_, texts, valid,
                                      detail::text_type(found));
        });
    }

    /**
     * Sets a column of lists: feature_batch_set_list().
     *
     * A row is a sequence of numbers or texts (std::vector<std::vector<float>>)
     * or a std::optional of one.
     */
    template <class Lists>
    result<void> try_set_list(const at &column, const Lists &lists,
                              const validity &valid = {}) noexcept
    {
        return set_packed(column, [&](const ::feature_field &found) {
            return packer_.pack_lists(detail::sequence(lists), valid,
                                      detail::text_type(found));
        });
    }

    /** The same for numbers side by side; list i ends where i + 1 begins. */
    template <class T>
    result<void> try_set_list(const at &column, span<const T> elements,
                              span<const std::int32_t> offsets,
                              const validity &valid = {}) noexcept
    {
        return set_packed(column, [&](const ::feature_field &) {
            return detail::take_lists(packer_, elements, offsets, valid);
        });
    }

    /** Rows that the columns were set with. */
    std::size_t rows() const noexcept { return rows_; }

    /** What became of each row in the last write: feature_batch_outcomes();
     *  empty before one. */
    codes<outcome> outcomes() const noexcept
    {
        return {feature_batch_outcomes(get()), rows_};
    }

    /** Why a row was rejected: feature_batch_problem(). */
    std::optional<error> problem(std::uint32_t row) const noexcept
    {
        ::feature_error why;

        if (feature_batch_problem(get(), row, &why) == FEATURE_OK)
            return std::nullopt;
        return error(why);
    }

    /** Empties the batch and keeps its memory. */
    void clear() noexcept
    {
        feature_batch_clear(get());
        rows_ = 0;
    }

#ifdef LIBFEATURE_EXCEPTIONS
    std::uint32_t index_of(const at &column) const
    {
        return try_index_of(column).value();
    }

    field column(const at &column) const { return try_column(column).value(); }

    template <class Sequence>
    batch &set(const at &column, const Sequence &values,
               const validity &valid = {})
    {
        try_set(column, values, valid).value();
        return *this;
    }

    template <class T>
    batch &set(const at &column, std::initializer_list<T> values,
               const validity &valid = {})
    {
        try_set(column, values, valid).value();
        return *this;
    }

    template <class Lists>
    batch &set_list(const at &column, const Lists &lists,
                    const validity &valid = {})
    {
        try_set_list(column, lists, valid).value();
        return *this;
    }

    template <class T>
    batch &set_list(const at &column, span<const T> elements,
                    span<const std::int32_t> offsets,
                    const validity &valid = {})
    {
        try_set_list(column, elements, offsets, valid).value();
        return *this;
    }
#endif

  private:
    template <class Pack>
    result<void> set_packed(const at &column, Pack &&pack) noexcept
    {
        result<std::uint32_t> index = try_index_of(column);

        if (!index)
            return index.error();
        result<field> found = try_column(*index);
        if (!found)
            return found.error();
        result<detail::arrays> packed = pack(found->raw());
        if (!packed)
            return packed.error();
        result<void> done = detail::call([&](auto *why) {
            const detail::arrays &a = *packed;

            return a.is_list
                       ? feature_batch_set_list(get(), *index, a.type, a.values,
                                                a.offsets, a.child_offsets,
                                                a.validity, a.rows, why)
                       : feature_batch_set(get(), *index, a.type, a.values,
                                           a.offsets, a.validity, a.rows, why);
        });
        if (done)
            rows_ = packed->rows;
        return done;
    }

    detail::owner<::feature_batch, feature_batch_free> held_{};
    detail::packer packer_{};
    std::size_t rows_ = 0;
};

/* --- load ----------------------------------------------------------------- */

/**
 * A whole new version of a view, on its way beside the one that serves; made by
 * store::load(). Given up when it goes and was not committed.
 *
 * One thread at a time.
 *
 * @since 0.1
 */
class load
{
  public:
    load() noexcept = default;

    /** Takes over what is {owned feature_load_free}. */
    explicit load(::feature_load *owned) noexcept : held_(owned) {}

    ::feature_load *get() const noexcept { return held_.get(); }

    explicit operator bool() const noexcept { return held_ != nullptr; }

    /** Appends the rows of a batch, which stay in it: feature_load_append(). */
    result<void> try_append(const batch &rows) noexcept
    {
        return detail::call([&](auto *why) {
            return feature_load_append(get(), rows.get(), why);
        });
    }

    /** Appends an Arrow stream, which is moved: feature_load_append_arrow(). */
    result<void> try_append_arrow(::ArrowArrayStream *stream,
                                  const arrow_options &how = {}) noexcept
    {
        return detail::call([&](auto *why) {
            return feature_load_append_arrow(get(), stream, &how, why);
        });
    }

    /** How far it is: feature_load_status(). */
    result<load_report> try_status() noexcept
    {
        return detail::make<load_report>([&](auto *made, auto *why) {
            return feature_load_status(get(), made, why);
        });
    }

    /** Swaps the new version in, with one commit: feature_load_commit(). */
    result<load_report> try_commit() noexcept
    {
        return detail::make<load_report>([&](auto *made, auto *why) {
            return feature_load_commit(get(), made, why);
        });
    }

    /** Gives the load up: feature_load_abort(). */
    result<void> try_abort() noexcept
    {
        return detail::call(
            [&](auto *why) { return feature_load_abort(get(), why); });
    }

#ifdef LIBFEATURE_EXCEPTIONS
    load &append(const batch &rows)
    {
        try_append(rows).value();
        return *this;
    }

    load &append_arrow(::ArrowArrayStream *stream,
                       const arrow_options &how = {})
    {
        try_append_arrow(stream, how).value();
        return *this;
    }

    load_report status() { return try_status().value(); }

    load_report commit() { return try_commit().value(); }

    void abort() { try_abort().value(); }
#endif

  private:
    detail::owner<::feature_load, feature_load_free> held_{};
};

/* --- request -------------------------------------------------------------- */

/**
 * Keys in, columns out, memory reused from read to read; made by
 * query::request(), which has to outlive it.
 *
 * One thread at a time. Once a read of some size was answered, reads up to that
 * size allocate nothing.
 *
 * @since 0.1
 */
class request
{
  public:
    request() noexcept = default;

    /** Takes over what is {owned feature_request_free}, of that query. */
    request(::feature_request *owned, const ::feature_query *query) noexcept
        : held_(owned), query_(query)
    {
    }

    request(request &&) noexcept = default;
    request &operator=(request &&) noexcept = default;
    request(const request &) = delete;
    request &operator=(const request &) = delete;
    ~request() = default;

    ::feature_request *get() const noexcept { return held_.get(); }

    explicit operator bool() const noexcept { return held_ != nullptr; }

    /**
     * Sets one join key for all rows: feature_request_set_key().
     *
     * As in batch::try_set(): integers, texts or bytes, or std::optional of
     * these. One key stands for every row.
     */
    template <class Sequence>
    result<void> try_set_key(const at &key, const Sequence &values,
                             const validity &valid = {}) noexcept
    {
        return set_packed(key, [&](std::int32_t text_type) {
            return packer_.pack(detail::sequence(values), valid, text_type, 1);
        });
    }

    template <class T>
    result<void> try_set_key(const at &key, std::initializer_list<T> values,
                             const validity &valid = {}) noexcept
    {
        return try_set_key(key, span<const T>(values.begin(), values.size()),
                           valid);
    }

    result<void> try_set_key(const at &key, const packed_texts &texts,
                             const validity &valid = {}) noexcept
    {
        return set_packed(key, [&](std::int32_t text_type) {
            return detail::take_texts(packer_, texts, valid, text_type);
        });
    }

    /** Asks for the answer as of a time a row, or one for all:
     *  feature_request_set_as_of(). None goes back to the newest values. */
    result<void> try_set_as_of(span<const std::int64_t> timestamps) noexcept
    {
        if (timestamps.size() > detail::rows_max)
            return detail::invalid("more than 2^32 - 1 rows");
        result<void> done = detail::call([&](auto *why) {
            return feature_request_set_as_of(
                get(), timestamps.data(),
                static_cast<std::uint32_t>(timestamps.size()), why);
        });
        if (done)
            as_of_rows_ = timestamps.size();
        return done;
    }

    result<void> try_set_as_of(time_point time) noexcept
    {
        std::int64_t timestamp = to_timestamp(time);

        return try_set_as_of(span<const std::int64_t>(&timestamp, 1));
    }

    /** Counts events, rows of a batch for FEATURE_EVENT, that are not stored:
     *  feature_request_set_events(). An empty batch goes back to none. */
    result<void> try_set_events(const batch &events) noexcept
    {
        result<void> done = detail::call([&](auto *why) {
            return feature_request_set_events(
                get(), events.rows() ? events.get() : nullptr, why);
        });
        if (done)
            event_rows_ = events.rows();
        return done;
    }

    /** Reads all keys from one snapshot: feature_request_read(). */
    result<void> try_read() noexcept
    {
        return detail::call(
            [&](auto *why) { return feature_request_read(get(), why); });
    }

    /**
     * Reads all keys into a dense matrix: feature_request_read_matrix().
     *
     * @param matrix  rows() x stride floats, which is checked; the last row
     *                needs no more than its width. What was set through get()
     *                does not count in rows().
     * @param stride  floats from row to row; 0: the width of a row
     */
    result<void> try_read_matrix(span<float> matrix,
                                 std::size_t stride = 0) noexcept
    {
        std::size_t width = feature_query_matrix_width(query_);
        float nothing = 0;

        stride = stride ? stride : width;
        if (!holds_matrix(matrix.size(), rows(), stride, width))
            return detail::invalid("the matrix is smaller than rows x stride");
        return detail::call([&](auto *why) {
            return feature_request_read_matrix(
                get(), matrix.empty() ? &nothing : matrix.data(), stride, why);
        });
    }

    /** How many rows the keys and as-of times that are set ask for; none as
     *  long as a key is missing or empty. */
    std::size_t rows() const noexcept
    {
        std::size_t most =
            as_of_rows_ > event_rows_ ? as_of_rows_ : event_rows_;
        const std::size_t *of = key_rows_.get<std::size_t>();

        if (!of)
            return 0;
        for (std::uint32_t i = 0; i < feature_query_key_count(query_); i++) {
            if (!of[i])
                return 0;
            most = of[i] > most ? of[i] : most;
        }
        return most;
    }

    /** One column of the last read, as it is: feature_request_column(). */
    result<::feature_column> try_raw_column(const at &column) const noexcept
    {
        ::feature_error why;
        ::feature_column made;
        result<std::uint32_t> index = detail::find_field(
            column, [this](std::uint32_t i, ::feature_field *found) {
                return feature_query_column(query_, i, found, nullptr);
            });

        if (!index)
            return index.error();
        if (feature_request_column(get(), *index, &made, &why))
            return error(why);
        return made;
    }

    /** One column of the last read, as T: see ::feature::column_view. */
    template <class T>
    result<column_view<T>> try_column(const at &column) const noexcept
    {
        result<::feature_column> raw = try_raw_column(column);

        if (!raw)
            return raw.error();
        if (!detail::reading<T>::fits(*raw))
            return detail::make_error(FEATURE_INVALID, "argument",
                                      "another type than that of the column",
                                      column.name());
        return column_view<T>(*raw);
    }

    /** All columns at once: feature_request_columns(). */
    result<void> try_columns(span<::feature_column> columns) const noexcept
    {
        return detail::call([&](auto *why) {
            return feature_request_columns(
                get(), columns.data(),
                static_cast<std::uint32_t>(columns.size()), why);
        });
    }

    /** The events of a feature of the last read have first <= timestamp <
     *  second, in microseconds: feature_request_window(). */
    result<std::pair<std::int64_t, std::int64_t>> try_window(
        const at &column, std::uint32_t row) const noexcept
    {
        ::feature_error why;
        std::pair<std::int64_t, std::int64_t> made;
        result<std::uint32_t> index = detail::find_field(
            column, [this](std::uint32_t i, ::feature_field *found) {
                return feature_query_column(query_, i, found, nullptr);
            });

        if (!index)
            return index.error();
        if (feature_request_window(get(), *index, row, &made.first,
                                   &made.second, &why))
            return error(why);
        return made;
    }

    /** Rows of the last read. */
    std::uint32_t row_count() const noexcept
    {
        return feature_request_row_count(get());
    }

    /** What each row of the last read met in a view; empty for none such. */
    codes<state> states(const at &view) const noexcept
    {
        result<std::uint32_t> index = index_of_view(view);

        if (!index)
            return {};
        return {feature_request_states(get(), *index), row_count()};
    }

    /** The event timestamp of each row in a view, ::feature::no_timestamp where
     *  no row answered; empty for no such view. */
    span<const std::int64_t> timestamps(const at &view) const noexcept
    {
        result<std::uint32_t> index = index_of_view(view);
        const std::int64_t *found =
            index ? feature_request_timestamps(get(), *index) : nullptr;

        return {found, found ? row_count() : 0};
    }

    /** Which commit the last read saw. */
    std::uint64_t commit() const noexcept
    {
        return feature_request_commit(get());
    }

    /** Which clock it used. */
    std::int64_t now() const noexcept { return feature_request_now(get()); }

    /** Copies the last read into one Arrow struct array:
     *  feature_request_export_arrow(). */
    result<void> try_export_arrow(::ArrowSchema *schema, ::ArrowArray *array,
                                  std::uint32_t flags = 0) const noexcept
    {
        return detail::call([&](auto *why) {
            return feature_request_export_arrow(get(), flags, schema, array,
                                                why);
        });
    }

    /** Forgets keys, as-of times and the answer, and keeps the memory. */
    void clear() noexcept
    {
        std::size_t *of = key_rows_.get<std::size_t>();

        feature_request_clear(get());
        for (std::uint32_t i = 0; of && i < feature_query_key_count(query_);
             i++)
            of[i] = 0;
        as_of_rows_ = event_rows_ = 0;
    }

#ifdef LIBFEATURE_EXCEPTIONS
    template <class Sequence>
    request &set_key(const at &key, const Sequence &values,
                     const validity &valid = {})
    {
        try_set_key(key, values, valid).value();
        return *this;
    }

    template <class T>
    request &set_key(const at &key, std::initializer_list<T> values,
                     const validity &valid = {})
    {
        try_set_key(key, values, valid).value();
        return *this;
    }

    request &set_as_of(span<const std::int64_t> timestamps)
    {
        try_set_as_of(timestamps).value();
        return *this;
    }

    request &set_as_of(time_point time)
    {
        try_set_as_of(time).value();
        return *this;
    }

    request &set_events(const batch &events)
    {
        try_set_events(events).value();
        return *this;
    }

    std::pair<std::int64_t, std::int64_t> window(const at &column,
                                                 std::uint32_t row) const
    {
        return try_window(column, row).value();
    }

    void read() { try_read().value(); }

    void read_matrix(span<float> matrix, std::size_t stride = 0)
    {
        try_read_matrix(matrix, stride).value();
    }

    ::feature_column raw_column(const at &column) const
    {
        return try_raw_column(column).value();
    }

    template <class T> column_view<T> column(const at &column) const
    {
        return try_column<T>(column).value();
    }

    void columns(span<::feature_column> columns) const
    {
        try_columns(columns).value();
    }

    void export_arrow(::ArrowSchema *schema, ::ArrowArray *array,
                      std::uint32_t flags = 0) const
    {
        try_export_arrow(schema, array, flags).value();
    }
#endif

  private:
    result<std::uint32_t> index_of_view(const at &view) const noexcept
    {
        return detail::find_field(
            view, [this](std::uint32_t i, ::feature_field *found) {
                return feature_query_view(query_, i, found, nullptr);
            });
    }

    /** The rows of each key, so that a matrix can be checked; nullptr where
     *  there is no memory to remember them. */
    std::size_t *key_rows() noexcept
    {
        std::uint32_t keys = feature_query_key_count(query_);
        std::size_t *of = key_rows_.get<std::size_t>();

        if (of)
            return of;
        of = key_rows_.take<std::size_t>(keys);
        for (std::uint32_t i = 0; of && i < keys; i++)
            of[i] = 0;
        return of;
    }

    /** Whether so many floats are enough; a product could wrap. A width of 0
     *  is for the library to refuse. */
    static bool holds_matrix(std::size_t size, std::size_t rows,
                             std::size_t stride, std::size_t width) noexcept
    {
        if (!rows || !width)
            return true;
        return size >= width && (size - width) / stride >= rows - 1;
    }

    template <class Pack>
    result<void> set_packed(const at &key, Pack &&pack) noexcept
    {
        ::feature_error why;
        ::feature_field found;
        result<std::uint32_t> index = detail::find_field(
            key, [this](std::uint32_t i, ::feature_field *field) {
                return feature_query_key(query_, i, field, nullptr);
            });

        if (!index)
            return index.error();
        if (feature_query_key(query_, *index, &found, &why))
            return error(why);
        result<detail::arrays> packed = pack(detail::text_type(found));
        if (!packed)
            return packed.error();
        std::size_t *of = key_rows(); // first: a key that is set has to count
        if (!of)
            return detail::no_memory();
        if (feature_request_set_key(get(), *index, packed->type, packed->values,
                                    packed->offsets, packed->validity,
                                    packed->rows, &why))
            return error(why);
        of[*index] = packed->rows;
        return {};
    }

    detail::owner<::feature_request, feature_request_free> held_{};
    const ::feature_query *query_ = nullptr;
    detail::packer packer_{};
    detail::scratch key_rows_{};
    std::size_t as_of_rows_ = 0;
    std::size_t event_rows_ = 0;
};

/* --- query ---------------------------------------------------------------- */

/**
 * A prepared read: names resolved to keys and columns; made by store::query().
 *
 * Immutable, for any number of threads, and has to outlive its requests.
 *
 * @since 0.1
 */
class query
{
  public:
    query() noexcept = default;

    /** Takes over what is {owned feature_query_free}. */
    explicit query(::feature_query *owned) noexcept : held_(owned) {}

    ::feature_query *get() const noexcept { return held_.get(); }

    explicit operator bool() const noexcept { return held_ != nullptr; }

    std::uint32_t key_count() const noexcept
    {
        return feature_query_key_count(get());
    }

    std::uint32_t column_count() const noexcept
    {
        return feature_query_column_count(get());
    }

    std::uint32_t view_count() const noexcept
    {
        return feature_query_view_count(get());
    }

    /** Floats of a row of the matrix; 0 without query_options::matrix. */
    std::uint32_t matrix_width() const noexcept
    {
        return feature_query_matrix_width(get());
    }

    /** Stands for names, types and order of keys and columns. */
    std::uint64_t fingerprint() const noexcept
    {
        return feature_query_fingerprint(get());
    }

    /** Describes a key, column or view, by its index or its name. */
    result<field> try_key(const at &key) const noexcept
    {
        return field_of(key, feature_query_key);
    }

    result<field> try_column(const at &column) const noexcept
    {
        return field_of(column, feature_query_column);
    }

    result<field> try_view(const at &view) const noexcept
    {
        return field_of(view, feature_query_view);
    }

    /** The index of a column, to be looked up once. */
    result<std::uint32_t> try_index_of(const at &column) const noexcept
    {
        return index_in(column, feature_query_column);
    }

    /**
     * Joins labels with features as of each one's time:
     * feature_query_join_arrow(). The labels are moved, whatever the answer;
     * the stream may outlive the query and the store.
     */
    result<void> try_join_arrow(::ArrowArrayStream *labels,
                                ::ArrowArrayStream *stream,
                                const join_options &how = {}) const noexcept
    {
        return detail::call([&](auto *why) {
            return feature_query_join_arrow(get(), labels, &how, stream, why);
        });
    }

    /**
     * Lists versions of the rows of some keys: feature_query_history().
     *
     * Each of the keys is a sequence as in request::try_set_key(), in the
     * order of the query's keys; one value stands for all. The answer tells
     * how far back history goes; the stream may outlive the query and the
     * store.
     */
    template <class... Keys>
    result<history_report> try_history(::ArrowArrayStream *stream,
                                       const history_options &how,
                                       const Keys &...keys) const noexcept
    {
        static_assert(sizeof...(Keys) > 0, "a query has keys");
        detail::packer memory[sizeof...(Keys)];
        ::feature_column packed[sizeof...(Keys)] = {};
        result<void> done = {};
        std::uint32_t i = 0;

        ((done = pack_key(i, memory[i], keys, packed[i]), i++, bool(done)) &&
         ...);
        if (!done)
            return done.error();
        return try_history(stream, how, span<const ::feature_column>(packed));
    }

    /** The same of keys in Arrow's layout, however many. */
    result<history_report> try_history(
        ::ArrowArrayStream *stream, const history_options &how,
        span<const ::feature_column> keys) const noexcept
    {
        return detail::make<history_report>([&](auto *made, auto *why) {
            return feature_query_history(
                get(), keys.data(), static_cast<std::uint32_t>(keys.size()),
                &how, made, stream, why);
        });
    }

    /** Makes a request: feature_request_create(). */
    result<feature::request> try_request() const &noexcept
    {
        ::feature_request *made = nullptr;
        ::feature_error why;

        if (feature_request_create(get(), &made, &why))
            return error(why);
        return feature::request(made, get());
    }

    /** A query has to outlive its requests: a temporary one would not. */
    result<feature::request> try_request() const &&noexcept = delete;

#ifdef LIBFEATURE_EXCEPTIONS
    field key(const at &key) const { return try_key(key).value(); }

    field column(const at &column) const { return try_column(column).value(); }

    field view(const at &view) const { return try_view(view).value(); }

    std::uint32_t index_of(const at &column) const
    {
        return try_index_of(column).value();
    }

    void join_arrow(::ArrowArrayStream *labels, ::ArrowArrayStream *stream,
                    const join_options &how = {}) const
    {
        try_join_arrow(labels, stream, how).value();
    }

    template <class... Keys>
    history_report history(::ArrowArrayStream *stream,
                           const history_options &how,
                           const Keys &...keys) const
    {
        return try_history(stream, how, keys...).value();
    }

    feature::request request() const & { return try_request().value(); }
    feature::request request() const && = delete;
#endif

  private:
    using describer = feature_status(const ::feature_query *, std::uint32_t,
                                     ::feature_field *, ::feature_error *);

    template <class Sequence>
    result<void> pack_key(std::uint32_t key, detail::packer &memory,
                          const Sequence &values,
                          ::feature_column &made) const noexcept
    {
        result<field> found = try_key(key);

        if (!found)
            return found.error();
        result<detail::arrays> packed = memory.pack(
            detail::sequence(values), {}, detail::text_type(found->raw()), 1);
        if (!packed)
            return packed.error();
        made.values = packed->values;
        made.offsets = packed->offsets;
        made.validity = packed->validity;
        made.rows = packed->rows;
        made.type = packed->type;
        made.width = 1;
        return {};
    }

    result<std::uint32_t> index_in(const at &which,
                                   describer *describe) const noexcept
    {
        return detail::find_field(
            which, [this, describe](std::uint32_t i, ::feature_field *found) {
                return describe(get(), i, found, nullptr);
            });
    }

    result<field> field_of(const at &which, describer *describe) const noexcept
    {
        ::feature_error why;
        ::feature_field found;
        result<std::uint32_t> index = index_in(which, describe);

        if (!index)
            return index.error();
        if (describe(get(), *index, &found, &why))
            return error(why);
        return field(found);
    }

    detail::owner<::feature_query, feature_query_free> held_{};
};

/* --- change feed ---------------------------------------------------------- */

/** Where to go on reading a source: feature_store_offset(). @since 0.1 */
class source_offset
{
  public:
    source_offset(std::uint64_t next, char *owned, std::uint32_t size) noexcept
        : next_(next), size_(size), position_(owned)
    {
    }

    /** The stored offset. */
    std::uint64_t next() const noexcept { return next_; }

    /** The bytes kept with it. */
    std::string_view position() const noexcept
    {
        return {position_ ? position_.get() : "", size_};
    }

  private:
    std::uint64_t next_;
    std::uint32_t size_;
    detail::owner<char, feature_free> position_;
};

/**
 * One record of a change feed, all of one commit: ::feature_change_record.
 *
 * Its bytes are good until the feed that gave it is used again or goes.
 *
 * @since 0.1
 */
class change_record
{
  public:
    change_record() noexcept = default;

    explicit change_record(const ::feature_change_record &raw) noexcept
        : raw_(raw)
    {
    }

    /** False at the end of the feed. */
    explicit operator bool() const noexcept { return raw_.bytes != nullptr; }

    /** For store::follow(), here or elsewhere. */
    span<const std::uint8_t> bytes() const noexcept
    {
        return {static_cast<const std::uint8_t *>(raw_.bytes),
                static_cast<std::size_t>(raw_.size)};
    }

    /** Of the commit. */
    std::uint64_t sequence() const noexcept { return raw_.sequence; }

    /** Of the commit. */
    std::int64_t time() const noexcept { return raw_.time; }

  private:
    ::feature_change_record raw_ = {};
};

/**
 * A reader of the change feed of a store. For one thread at a time.
 *
 *     for (const feature::change_record &record : feed)
 *         replica.follow(record); // to the present end of the feed
 *
 * @since 0.1
 */
class changes
{
  public:
    changes() noexcept = default;

    /** Takes over what is {owned feature_changes_free}. */
    explicit changes(::feature_changes *owned) noexcept : held_(owned) {}

    ::feature_changes *get() const noexcept { return held_.get(); }

    explicit operator bool() const noexcept { return held_ != nullptr; }

    /** The next record; a false one where there is none now. */
    result<change_record> try_next() noexcept
    {
        return detail::make<change_record, ::feature_change_record>(
            [&](auto *made, auto *why) {
                return feature_changes_next(get(), made, why);
            });
    }

    /** Waits until there is a next record, or the time is over. A time of 50
     *  days and more is 49 days. */
    result<void> try_wait(std::chrono::milliseconds longest) noexcept
    {
        constexpr std::int64_t most = std::int64_t{49} * 86400 * 1000;
        std::int64_t asked = longest.count();
        auto time = static_cast<std::uint32_t>(asked < 0      ? 0
                                               : asked > most ? most
                                                              : asked);

        return detail::call(
            [&](auto *why) { return feature_changes_wait(get(), time, why); });
    }

    /** Says that the consumer needs no record up to this one any more. */
    result<void> try_acknowledge(std::uint64_t sequence) noexcept
    {
        return detail::call([&](auto *why) {
            return feature_changes_acknowledge(get(), sequence, why);
        });
    }

    /** Writes a record as one line of JSON: feature_changes_json(). */
    result<text> try_json(span<const std::uint8_t> record) noexcept
    {
        return detail::make<text, char *>([&](auto **made, auto *why) {
            return feature_changes_json(get(), record.data(), record.size(),
                                        made, why);
        });
    }

    result<text> try_json(const change_record &record) noexcept
    {
        return try_json(record.bytes());
    }

#ifdef LIBFEATURE_EXCEPTIONS
    change_record next() { return try_next().value(); }

    void wait(std::chrono::milliseconds longest) { try_wait(longest).value(); }

    void acknowledge(std::uint64_t sequence)
    {
        try_acknowledge(sequence).value();
    }

    text json(span<const std::uint8_t> record)
    {
        return try_json(record).value();
    }

    text json(const change_record &record) { return try_json(record).value(); }

    /** For a range-based for: the records that there are now, once. */
    class iterator
    {
      public:
        iterator() noexcept = default;

        explicit iterator(changes *feed) : feed_(feed) { ++*this; }

        const change_record &operator*() const noexcept { return record_; }

        iterator &operator++()
        {
            record_ = feed_->next();
            if (!record_)
                feed_ = nullptr;
            return *this;
        }

        friend bool operator==(const iterator &a, const iterator &b) noexcept
        {
            return a.feed_ == b.feed_;
        }

        friend bool operator!=(const iterator &a, const iterator &b) noexcept
        {
            return a.feed_ != b.feed_;
        }

      private:
        changes *feed_ = nullptr;
        change_record record_{};
    };

    iterator begin() { return iterator(this); }

    iterator end() noexcept { return {}; }
#endif

  private:
    detail::owner<::feature_changes, feature_changes_free> held_{};
};

/* --- sketches ------------------------------------------------------------- */

enum class sketch_kind : std::int32_t {
    distinct = FEATURE_SKETCH_DISTINCT,
    quantiles = FEATURE_SKETCH_QUANTILES
};

enum class sketch_format : std::int32_t {
    native = FEATURE_SKETCH_NATIVE,
    hyll = FEATURE_SKETCH_HYLL,
    ddsketch = FEATURE_SKETCH_DDSKETCH
};

/**
 * What a set of values comes to, in a few bytes. For one thread at a time. It
 * belongs to no store.
 *
 * @since 0.1
 */
class sketch
{
  public:
    sketch() noexcept = default;

    /** Takes over what is {owned feature_sketch_free}. */
    explicit sketch(::feature_sketch *owned) noexcept : held_(owned) {}

    ::feature_sketch *get() const noexcept { return held_.get(); }

    explicit operator bool() const noexcept { return held_ != nullptr; }

    /** An empty sketch; 0 stands for the defaults: feature_sketch_create(). */
    static result<sketch> try_create(sketch_kind kind,
                                     std::uint32_t precision = 0,
                                     double max_error = 0) noexcept
    {
        ::feature_sketch_options options{};

        options.struct_size = sizeof options;
        options.kind = static_cast<std::int32_t>(kind);
        options.precision = precision;
        options.max_error = max_error;
        return detail::make<sketch, ::feature_sketch *>(
            [&](auto **made, auto *why) {
                return feature_sketch_create(&options, made, why);
            });
    }

    /** A sketch of bytes, which are checked: feature_sketch_from_bytes(). */
    static result<sketch> try_from_bytes(
        span<const std::uint8_t> bytes,
        sketch_format format = sketch_format::native) noexcept
    {
        return detail::make<sketch, ::feature_sketch *>([&](auto **made,
                                                            auto *why) {
            return feature_sketch_from_bytes(static_cast<std::int32_t>(format),
                                             bytes.data(), bytes.size(), made,
                                             why);
        });
    }

    /** Adds values, as batch::try_set() takes them; nulls count nothing. */
    template <class Sequence>
    result<void> try_add(const Sequence &values,
                         const validity &valid = {}) noexcept
    {
        result<detail::arrays> packed = packer_.pack(
            detail::sequence(values), valid, FEATURE_TYPE_STRING, 1);

        if (!packed)
            return packed.error();
        return detail::call([&](auto *why) {
            return feature_sketch_add(get(), packed->type, packed->values,
                                      packed->offsets, packed->validity,
                                      packed->rows, why);
        });
    }

    /** Unites it with another one: feature_sketch_merge(). */
    result<void> try_merge(const sketch &other) noexcept
    {
        return detail::call([&](auto *why) {
            return feature_sketch_merge(get(), other.get(), why);
        });
    }

    /** How many distinct values, about; of quantiles, how many values. */
    result<std::uint64_t> try_estimate() const noexcept
    {
        return detail::make<std::uint64_t, std::uint64_t>(
            [&](auto *made, auto *why) {
                return feature_sketch_estimate(get(), made, why);
            });
    }

    /** The value of a quantile: feature_sketch_quantile(). */
    result<double> try_quantile(double quantile) const noexcept
    {
        return detail::make<double, double>([&](auto *made, auto *why) {
            return feature_sketch_quantile(get(), quantile, made, why);
        });
    }

    /** The sketch as bytes, until this is called again. */
    result<span<const std::uint8_t>> try_bytes(
        sketch_format format = sketch_format::native) noexcept
    {
        ::feature_error why;
        ::feature_sketch_data data{};

        if (feature_sketch_bytes(get(), static_cast<std::int32_t>(format),
                                 &data, &why))
            return error(why);
        return span<const std::uint8_t>(
            static_cast<const std::uint8_t *>(data.bytes), data.size);
    }

#ifdef LIBFEATURE_EXCEPTIONS
    static sketch create(sketch_kind kind, std::uint32_t precision = 0,
                         double max_error = 0)
    {
        return try_create(kind, precision, max_error).value();
    }

    static sketch from_bytes(span<const std::uint8_t> bytes,
                             sketch_format format = sketch_format::native)
    {
        return try_from_bytes(bytes, format).value();
    }

    template <class Sequence>
    sketch &add(const Sequence &values, const validity &valid = {})
    {
        try_add(values, valid).value();
        return *this;
    }

    sketch &merge(const sketch &other)
    {
        try_merge(other).value();
        return *this;
    }

    std::uint64_t estimate() const { return try_estimate().value(); }

    double quantile(double quantile) const
    {
        return try_quantile(quantile).value();
    }

    span<const std::uint8_t> bytes(sketch_format format = sketch_format::native)
    {
        return try_bytes(format).value();
    }
#endif

  private:
    detail::owner<::feature_sketch, feature_sketch_free> held_{};
    detail::packer packer_{};
};

/* --- store ---------------------------------------------------------------- */

/**
 * An open store. For any number of threads.
 *
 * Batches, queries, requests and change feeds may outlive it; their calls then
 * answer INVALID `closed`.
 *
 * @since 0.1
 */
class store
{
  public:
    store() noexcept = default;

    /** Takes over what is {owned feature_store_close}. */
    explicit store(::feature_store *owned) noexcept : held_(owned) {}

    ::feature_store *get() const noexcept { return held_.get(); }

    explicit operator bool() const noexcept { return held_ != nullptr; }

    /** Opens the store in a directory: feature_store_open(). */
    static result<store> try_open(c_string path,
                                  const options &how = {}) noexcept
    {
        return detail::make<store, ::feature_store *>(
            [&](auto **made, auto *why) {
                return feature_store_open(path.get(), &how, made, why);
            });
    }

    /** Closes it before its time: feature_store_close(). */
    void close() noexcept { held_.reset(); }

    /** Makes the store hold definitions: feature_store_apply(). */
    result<feature::commit> try_apply(c_string definitions,
                                      const apply_options &how = {}) noexcept
    {
        return detail::make<feature::commit>([&](auto *made, auto *why) {
            return feature_store_apply(get(), definitions.get(), &how, made,
                                       why);
        });
    }

    /** Lists what apply would do: feature_store_plan(). */
    result<text> try_plan(c_string definitions) const noexcept
    {
        return detail::make<text, char *>([&](auto **made, auto *why) {
            return feature_store_plan(get(), definitions.get(), made, why);
        });
    }

    /** Prints one definition, or all: feature_store_describe(). */
    result<text> try_describe(c_string name = nullptr) const noexcept
    {
        return detail::make<text, char *>([&](auto **made, auto *why) {
            return feature_store_describe(get(), name.get(), made, why);
        });
    }

    /** Reports the state of the store as OpenMetrics text. */
    result<text> try_metrics() const noexcept
    {
        return detail::make<text, char *>([&](auto **made, auto *why) {
            return feature_store_metrics(get(), made, why);
        });
    }

    /** Tells what each view holds, to be compared with another store's:
     *  feature_store_content(). */
    result<text> try_content() const noexcept
    {
        return detail::make<text, char *>([&](auto **made, auto *why) {
            return feature_store_content(get(), made, why);
        });
    }

    /** Judges the quality rules of a view, or of all; a JSON object a rule and
     *  line: feature_store_check(). */
    result<text> try_check(check_report &report,
                           c_string view = nullptr) const noexcept
    {
        return detail::make<text, char *>([&](auto **made, auto *why) {
            return feature_store_check(get(), view.get(), &report, made, why);
        });
    }

    /** Reports it in numbers: feature_store_stats(). */
    result<feature::stats> try_stats() const noexcept
    {
        return detail::make<feature::stats>([&](auto *made, auto *why) {
            return feature_store_stats(get(), made, why);
        });
    }

    /** Does upkeep that is due: feature_store_maintain(). */
    result<maintain_report> try_maintain(
        const maintain_options &how = {}) noexcept
    {
        return detail::make<maintain_report>([&](auto *made, auto *why) {
            return feature_store_maintain(get(), &how, made, why);
        });
    }

    /** Makes every earlier commit durable: feature_store_sync(). */
    result<void> try_sync() noexcept
    {
        return detail::call(
            [&](auto *why) { return feature_store_sync(get(), why); });
    }

    /**
     * Checks the store in a directory for damage: feature_store_verify().
     *
     * Damage is no failure: ask the answer whether it is_good().
     */
    static result<verification> try_verify(
        c_string path, const verify_options &how = {}) noexcept
    {
        ::feature_error why;
        verification made;
        char *lines = nullptr;

        if (feature_store_verify(path.get(), &how, &made, &lines, &why))
            return error(why);
        made.lines = text(lines);
        return made;
    }

    /** Writes all that it holds to a file: feature_store_snapshot(). */
    result<snapshot_report> try_snapshot(
        c_string file, const snapshot_options &how = {},
        feature::progress *progress = nullptr) const noexcept
    {
        return detail::make<snapshot_report>([&](auto *made, auto *why) {
            return feature_store_snapshot(get(), file.get(), &how,
                                          progress ? progress->get() : nullptr,
                                          made, why);
        });
    }

    /**
     * Makes a store of a snapshot: feature_store_restore(). With
     * restore_options::verify_only and no path the file is only checked.
     */
    static result<snapshot_report> try_restore(
        c_string file, c_string path, const restore_options &how = {},
        feature::progress *progress = nullptr) noexcept
    {
        return detail::make<snapshot_report>([&](auto *made, auto *why) {
            return feature_store_restore(file.get(), path.get(), &how,
                                         progress ? progress->get() : nullptr,
                                         made, why);
        });
    }

    /** Rewrites a store without its free pages: feature_store_compact(). */
    static result<snapshot_report> try_compact(
        c_string path, const options &how = {},
        feature::progress *progress = nullptr) noexcept
    {
        return detail::make<snapshot_report>([&](auto *made, auto *why) {
            return feature_store_compact(path.get(), &how,
                                         progress ? progress->get() : nullptr,
                                         made, why);
        });
    }

    /** Makes an empty batch: feature_batch_create(). Without columns: all. */
    result<feature::batch> try_batch(
        c_string view, feature::operation what = operation::upsert,
        c_string columns = nullptr) const noexcept
    {
        return detail::make<feature::batch, ::feature_batch *>(
            [&](auto **made, auto *why) {
                return feature_batch_create(get(), view.get(), columns.get(),
                                            static_cast<std::int32_t>(what),
                                            made, why);
            });
    }

    /** Writes batches in one atomic, durable commit: feature_store_write(). */
    template <class... Rest>
    result<feature::commit> try_write(const write_options &how,
                                      feature::batch &first,
                                      Rest &...rest) noexcept
    {
        ::feature_batch *handles[] = {first.get(), rest.get()...};

        return try_write(how, span<::feature_batch *const>(handles));
    }

    template <class... Rest>
    result<feature::commit> try_write(feature::batch &first,
                                      Rest &...rest) noexcept
    {
        return try_write(write_options(), first, rest...);
    }

    /** The same for any number of batches. */
    result<feature::commit> try_write(
        const write_options &how, span<::feature_batch *const> batches) noexcept
    {
        return detail::make<feature::commit>([&](auto *made, auto *why) {
            return feature_store_write(get(), batches.data(), batches.size(),
                                       &how, made, why);
        });
    }

    /** Resolves features once: feature_query_create(). */
    result<feature::query> try_query(
        c_string features, const query_options &how = {}) const noexcept
    {
        return detail::make<feature::query, ::feature_query *>([&](auto **made,
                                                                   auto *why) {
            return feature_query_create(get(), features.get(), &how, made, why);
        });
    }

    /**
     * Writes an Arrow stream into a view: feature_store_write_arrow().
     *
     * The stream is moved: released whatever the answer. A failure may have
     * kept some commits before it; `kept` tells of them.
     */
    result<feature::commit> try_write_arrow(
        c_string view, feature::operation what, ::ArrowArrayStream *stream,
        const arrow_options &how = {}, feature::commit *kept = nullptr) noexcept
    {
        ::feature_error why;
        feature::commit made;
        feature_status code = feature_store_write_arrow(
            get(), view.get(), static_cast<std::int32_t>(what), stream, &how,
            &made, &why);

        if (kept)
            *kept = made;
        if (code)
            return error(why);
        return made;
    }

    /** Makes a view an Arrow stream: feature_store_scan_arrow(). */
    result<void> try_scan_arrow(c_string features, ::ArrowArrayStream *stream,
                                const scan_options &how = {}) const noexcept
    {
        return detail::call([&](auto *why) {
            return feature_store_scan_arrow(get(), features.get(), &how, stream,
                                            why);
        });
    }

    /**
     * Makes the changes of a view an Arrow stream:
     * feature_store_changes_arrow(). The answer is the sequence that it ends
     * with.
     */
    result<std::uint64_t> try_changes_arrow(
        c_string features, ::ArrowArrayStream *stream,
        const changes_arrow_options &how = {}) const noexcept
    {
        return detail::make<std::uint64_t>([&](auto *made, auto *why) {
            return feature_store_changes_arrow(get(), features.get(), &how,
                                               made, stream, why);
        });
    }

    /** Makes the states of a view a stream: feature_store_tiles_arrow(). */
    result<void> try_tiles_arrow(c_string view, ::ArrowArrayStream *stream,
                                 const scan_options &how = {}) const noexcept
    {
        return detail::call([&](auto *why) {
            return feature_store_tiles_arrow(get(), view.get(), &how, stream,
                                             why);
        });
    }

    /**
     * Merges states of another store: feature_store_merge_tiles(). The stream
     * is moved: released whatever the answer.
     */
    result<feature::commit> try_merge_tiles(
        c_string view, ::ArrowArrayStream *stream,
        const write_options &how = {}) noexcept
    {
        ::feature_error why;
        feature::commit made;
        feature_status code = feature_store_merge_tiles(
            get(), view.get(), stream, &how, &made, &why);

        if (code)
            return error(why);
        return made;
    }

    /** Begins to load a view: feature_load_begin(). */
    result<feature::load> try_load(c_string view,
                                   const load_options &how = {}) noexcept
    {
        return detail::make<feature::load, ::feature_load *>(
            [&](auto **made, auto *why) {
                return feature_load_begin(get(), view.get(), &how, made, why);
            });
    }

    /** Lists loads, a line of JSON each: feature_store_loads(). */
    result<text> try_loads(c_string view = {}) const noexcept
    {
        return detail::make<text, char *>([&](auto **made, auto *why) {
            return feature_store_loads(get(), view.get(), made, why);
        });
    }

    /** Removes an interrupted load: feature_store_discard_load(). */
    result<void> try_discard_load(c_string view, c_string id = {}) noexcept
    {
        return detail::call([&](auto *why) {
            return feature_store_discard_load(get(), view.get(), id.get(), why);
        });
    }

    /** Goes back to the version before: feature_store_rollback(). */
    result<load_report> try_rollback(c_string view,
                                     const rollback_options &how = {}) noexcept
    {
        return detail::make<load_report>([&](auto *made, auto *why) {
            return feature_store_rollback(get(), view.get(), &how, made, why);
        });
    }

    /** Opens the change feed: feature_changes_open(). */
    result<feature::changes> try_changes(
        const changes_options &how = {}) const noexcept
    {
        return detail::make<feature::changes, ::feature_changes *>(
            [&](auto **made, auto *why) {
                return feature_changes_open(get(), &how, made, why);
            });
    }

    /** Where to go on reading a source: feature_store_offset(). */
    result<source_offset> try_offset(c_string name,
                                     std::uint32_t partition = 0) const noexcept
    {
        ::feature_error why;
        std::uint64_t next = 0;
        char *position = nullptr;
        std::uint32_t size = 0;

        if (feature_store_offset(get(), name.get(), partition, &next, &position,
                                 &size, &why))
            return error(why);
        return source_offset(next, position, size);
    }

    /** Applies one record of another store's feed: feature_store_follow(). */
    result<feature::commit> try_follow(span<const std::uint8_t> record) noexcept
    {
        return detail::make<feature::commit>([&](auto *made, auto *why) {
            return feature_store_follow(get(), record.data(), record.size(),
                                        made, why);
        });
    }

    result<feature::commit> try_follow(const change_record &record) noexcept
    {
        return try_follow(record.bytes());
    }

    /** Makes a follower a leader; its epoch: feature_store_promote(). */
    result<std::uint64_t> try_promote() noexcept
    {
        return detail::make<std::uint64_t>([&](auto *made, auto *why) {
            return feature_store_promote(get(), made, why);
        });
    }

#ifdef LIBFEATURE_EXCEPTIONS
    static store open(c_string path, const options &how = {})
    {
        return try_open(path, how).value();
    }

    feature::commit apply(c_string definitions, const apply_options &how = {})
    {
        return try_apply(definitions, how).value();
    }

    text plan(c_string definitions) const
    {
        return try_plan(definitions).value();
    }

    text describe(c_string name = nullptr) const
    {
        return try_describe(name).value();
    }

    text metrics() const { return try_metrics().value(); }

    text content() const { return try_content().value(); }

    text check(check_report &report, c_string view = nullptr) const
    {
        return try_check(report, view).value();
    }

    feature::stats stats() const { return try_stats().value(); }

    maintain_report maintain(const maintain_options &how = {})
    {
        return try_maintain(how).value();
    }

    void sync() { try_sync().value(); }

    static verification verify(c_string path, const verify_options &how = {})
    {
        return try_verify(path, how).value();
    }

    snapshot_report snapshot(c_string file, const snapshot_options &how = {},
                             feature::progress *progress = nullptr) const
    {
        return try_snapshot(file, how, progress).value();
    }

    static snapshot_report restore(c_string file, c_string path,
                                   const restore_options &how = {},
                                   feature::progress *progress = nullptr)
    {
        return try_restore(file, path, how, progress).value();
    }

    static snapshot_report compact(c_string path, const options &how = {},
                                   feature::progress *progress = nullptr)
    {
        return try_compact(path, how, progress).value();
    }

    feature::batch batch(c_string view,
                         feature::operation what = operation::upsert,
                         c_string columns = nullptr) const
    {
        return try_batch(view, what, columns).value();
    }

    template <class... Rest>
    feature::commit write(const write_options &how, feature::batch &first,
                          Rest &...rest)
    {
        return try_write(how, first, rest...).value();
    }

    template <class... Rest>
    feature::commit write(feature::batch &first, Rest &...rest)
    {
        return try_write(first, rest...).value();
    }

    feature::commit write(const write_options &how,
                          span<::feature_batch *const> batches)
    {
        return try_write(how, batches).value();
    }

    feature::query query(c_string features, const query_options &how = {}) const
    {
        return try_query(features, how).value();
    }

    feature::commit write_arrow(c_string view, feature::operation what,
                                ::ArrowArrayStream *stream,
                                const arrow_options &how = {},
                                feature::commit *kept = nullptr)
    {
        return try_write_arrow(view, what, stream, how, kept).value();
    }

    void scan_arrow(c_string features, ::ArrowArrayStream *stream,
                    const scan_options &how = {}) const
    {
        try_scan_arrow(features, stream, how).value();
    }

    std::uint64_t changes_arrow(c_string features, ::ArrowArrayStream *stream,
                                const changes_arrow_options &how = {}) const
    {
        return try_changes_arrow(features, stream, how).value();
    }

    void tiles_arrow(c_string view, ::ArrowArrayStream *stream,
                     const scan_options &how = {}) const
    {
        try_tiles_arrow(view, stream, how).value();
    }

    feature::commit merge_tiles(c_string view, ::ArrowArrayStream *stream,
                                const write_options &how = {})
    {
        return try_merge_tiles(view, stream, how).value();
    }

    feature::load load(c_string view, const load_options &how = {})
    {
        return try_load(view, how).value();
    }

    text loads(c_string view = {}) const { return try_loads(view).value(); }

    void discard_load(c_string view, c_string id = {})
    {
        try_discard_load(view, id).value();
    }

    load_report rollback(c_string view, const rollback_options &how = {})
    {
        return try_rollback(view, how).value();
    }

    feature::changes changes(const changes_options &how = {}) const
    {
        return try_changes(how).value();
    }

    source_offset offset(c_string name, std::uint32_t partition = 0) const
    {
        return try_offset(name, partition).value();
    }

    feature::commit follow(span<const std::uint8_t> record)
    {
        return try_follow(record).value();
    }

    feature::commit follow(const change_record &record)
    {
        return try_follow(record).value();
    }

    std::uint64_t promote() { return try_promote().value(); }
#endif

  private:
    detail::owner<::feature_store, feature_store_close> held_{};
};

} // namespace feature

#if defined(__cpp_lib_ranges)
template <class T>
inline constexpr bool std::ranges::enable_borrowed_range<feature::span<T>> =
    true;
#endif

#endif
